"""The HTTP side: the headers and errors of Lambda's Invoke API."""

from __future__ import annotations

import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

from config.embedded.lambda_endpoint.addresses import read_address
from config.embedded.lambda_endpoint.functions import Context, FunctionFailed, Functions
from config.embedded.lambda_endpoint.invocations import Invocation, Invocations, Throttled
from config.embedded.lambda_endpoint.refusals import Refused

MIB = 1024 * 1024
SYNC_LIMIT_BYTES = 6 * MIB
PAYLOAD_LIMITS = {"Event": MIB, "RequestResponse": SYNC_LIMIT_BYTES, "DryRun": SYNC_LIMIT_BYTES}


class LambdaEndpoint:
    """Serves the functions of a folder until it is stopped.

    `port` 0 takes a free one; `url` says where it is. Any qualifier is accepted: a number is
    the executed version, an alias and $LATEST run as $LATEST. `timeout_seconds` bounds how long
    a caller waits; a thread can't be killed, so a handler keeps its place until it ends by
    itself, and one that runs for an event is never cut off.
    """

    def __init__(
        self,
        functions_dir: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        concurrency: int = 20,
        timeout_seconds: float = 60.0,
    ) -> None:
        functions = Functions(functions_dir)
        self.invocations = Invocations(
            functions, concurrency=concurrency, timeout_seconds=timeout_seconds
        )
        self._server = ThreadingHTTPServer((host, port), self._handler_class())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            args=(0.1,),
            name="lambda-endpoint",
            daemon=True,
        )

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> None:
        """Serve, in a thread."""
        self._thread.start()

    def stop(self, *, timeout_seconds: float = 0.0) -> None:
        """Take no more calls, begin nothing that is queued; let events that run end in time."""
        self._server.shutdown()
        self._server.server_close()
        self.invocations.stop(timeout_seconds=timeout_seconds)

    def __enter__(self) -> LambdaEndpoint:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _handler_class(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(_RequestHandler):
            invocations = endpoint.invocations

        return Handler


class _RequestHandler(BaseHTTPRequestHandler):
    """One connection; kept open between calls, as boto3 expects."""

    protocol_version = "HTTP/1.1"
    invocations: Invocations

    def do_POST(self) -> None:
        request_id = str(uuid4())
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self._invoke(body, request_id)
        except Refused as refused:
            headers = {"x-amzn-ErrorType": refused.error_type}
            if refused.status == HTTPStatus.TOO_MANY_REQUESTS:
                headers["Retry-After"] = "1"
            self._answer(refused.status, json.dumps(refused.body), request_id, headers)

    def _invoke(self, body: bytes, request_id: str) -> None:
        kind = self.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        invocation = self._invocation(body, kind, request_id)
        try:
            if kind == "DryRun":
                self._answer(HTTPStatus.NO_CONTENT, "", request_id, {})
            elif kind == "Event":
                self.invocations.queue(invocation)
                self._answer(HTTPStatus.ACCEPTED, "", request_id, {})
            else:
                self._run(invocation, request_id)
        except Throttled:
            reason = "ConcurrentInvocationLimitExceeded"
            raise Refused(
                429, "TooManyRequestsException", "Rate Exceeded.", Reason=reason
            ) from None

    def _run(self, invocation: Invocation, request_id: str) -> None:
        headers = {"X-Amz-Executed-Version": invocation.context.function_version}
        try:
            text = _text(self.invocations.answer(invocation))
        except FunctionFailed as failure:
            headers["X-Amz-Function-Error"] = "Unhandled"
            text = json.dumps(failure.payload(request_id))
        self._answer(HTTPStatus.OK, text, request_id, headers)

    def _invocation(self, body: bytes, kind: str, request_id: str) -> Invocation:
        if not self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 "):
            # Not checked further; but no page in a browser can send it, and run a function here.
            message = "Missing Authentication Token"
            raise Refused(403, "MissingAuthenticationTokenException", message)
        address = read_address(self.path)
        if kind not in PAYLOAD_LIMITS:
            message = f"{kind!r} is no invocation type."
            raise Refused(400, "InvalidParameterValueException", message)
        path = self.invocations.functions.path(address.name)
        if path is None:
            message = f"Function not found: {address.arn}"
            raise Refused(404, "ResourceNotFoundException", message)
        context = Context(
            function_name=address.name,
            function_version=address.version,
            invoked_function_arn=address.arn,
            aws_request_id=request_id,
            timeout_seconds=self.invocations.timeout_seconds,
        )
        return Invocation(path, _event(body, kind), context)

    def _answer(self, status: int, text: str, request_id: str, headers: dict[str, str]) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("x-amzn-RequestId", request_id)
        if status != HTTPStatus.NO_CONTENT:  # which has none to describe (RFC 9110, 8.6)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing for each call; failures are logged where they happen."""


def _event(body: bytes, kind: str) -> Any:
    limit = PAYLOAD_LIMITS[kind]
    if len(body) > limit:
        message = (
            f"{len(body)} byte payload is too large for the {kind} invocation type"
            f" (limit {limit} bytes)"
        )
        raise Refused(413, "RequestEntityTooLargeException", message)
    try:
        return json.loads(body or b"null")
    except (ValueError, RecursionError) as error:
        message = f"Could not parse request body into json: {error}"
        raise Refused(400, "InvalidRequestContentException", message) from None


def _text(answer: Any) -> str:
    """Return what a handler returned as JSON. Raises FunctionFailed where Lambda would refuse."""
    try:
        text = json.dumps(answer)
    except (TypeError, ValueError, RecursionError) as error:
        message = f"Unable to marshal response: {error}"
        raise FunctionFailed("Runtime.MarshalError", message, []) from None
    if len(text) > SYNC_LIMIT_BYTES:
        message = (
            "Response payload size exceeded maximum allowed payload size"
            f" ({SYNC_LIMIT_BYTES} bytes)."
        )
        raise FunctionFailed("Function.ResponseSizeTooLarge", message, [])
    return text
