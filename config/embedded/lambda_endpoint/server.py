"""The HTTP server of the Lambda endpoint: headers and errors of the Invoke API."""

from __future__ import annotations

import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

from config.embedded.lambda_endpoint.functions import (
    Context,
    FunctionFailed,
    Functions,
    Invocation,
    Invocations,
    Throttled,
)
from config.embedded.lambda_endpoint.requests import LambdaError, parse_target

MIB = 1024 * 1024
SYNC_LIMIT_BYTES = 6 * MIB
PAYLOAD_LIMITS = {"Event": MIB, "RequestResponse": SYNC_LIMIT_BYTES, "DryRun": SYNC_LIMIT_BYTES}


class LambdaEndpoint:
    """Serves the functions of a directory until it is stopped.

    `port` 0 takes a free one; `url` has the result. Any qualifier is accepted: a number is the
    executed version, an alias and $LATEST run as $LATEST. `timeout_seconds` bounds how long a
    caller waits. A thread can't be killed, so a handler keeps its slot until it returns, and a
    handler of an event is never aborted.
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
        """Stop accepting calls and starting events; wait for running events."""
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
    """One connection; it stays open between calls, as boto3 expects."""

    protocol_version = "HTTP/1.1"
    invocations: Invocations

    def do_POST(self) -> None:
        request_id = str(uuid4())
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self._invoke(body, request_id)
        except LambdaError as error:
            headers = {"x-amzn-ErrorType": error.error_type}
            if error.status == HTTPStatus.TOO_MANY_REQUESTS:
                headers["Retry-After"] = "1"
            self._answer(error.status, json.dumps(error.body), request_id, headers)

    def _invoke(self, body: bytes, request_id: str) -> None:
        kind = self.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        invocation = self._invocation(body, kind, request_id)
        try:
            if kind == "DryRun":
                self._answer(HTTPStatus.NO_CONTENT, "", request_id, {})
            elif kind == "Event":
                self.invocations.enqueue(invocation)
                self._answer(HTTPStatus.ACCEPTED, "", request_id, {})
            else:
                self._run(invocation, request_id)
        except Throttled:
            reason = "ConcurrentInvocationLimitExceeded"
            raise LambdaError(
                429, "TooManyRequestsException", "Rate Exceeded.", Reason=reason
            ) from None

    def _run(self, invocation: Invocation, request_id: str) -> None:
        headers = {"X-Amz-Executed-Version": invocation.context.function_version}
        try:
            text = _text(self.invocations.invoke(invocation))
        except FunctionFailed as failure:
            headers["X-Amz-Function-Error"] = "Unhandled"
            text = json.dumps(failure.payload(request_id))
        self._answer(HTTPStatus.OK, text, request_id, headers)

    def _invocation(self, body: bytes, kind: str, request_id: str) -> Invocation:
        if not self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 "):
            # The signature is not verified, but a browser page can't send this header.
            message = "Missing Authentication Token"
            raise LambdaError(403, "MissingAuthenticationTokenException", message)
        function = parse_target(self.path)
        if kind not in PAYLOAD_LIMITS:
            message = f"{kind!r} is not an invocation type."
            raise LambdaError(400, "InvalidParameterValueException", message)
        path = self.invocations.functions.path(function.name)
        if path is None:
            message = f"Function not found: {function.arn}"
            raise LambdaError(404, "ResourceNotFoundException", message)
        context = Context(
            function_name=function.name,
            function_version=function.version,
            invoked_function_arn=function.arn,
            aws_request_id=request_id,
            timeout_seconds=self.invocations.timeout_seconds,
        )
        return Invocation(path, _event(body, kind), context)

    def _answer(self, status: int, text: str, request_id: str, headers: dict[str, str]) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("x-amzn-RequestId", request_id)
        if status != HTTPStatus.NO_CONTENT:  # no Content-Length here (RFC 9110, 8.6)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing per call; failures are logged where they happen."""


def _event(body: bytes, kind: str) -> Any:
    limit = PAYLOAD_LIMITS[kind]
    if len(body) > limit:
        message = (
            f"{len(body)} byte payload is too large for the {kind} invocation type"
            f" (limit {limit} bytes)"
        )
        raise LambdaError(413, "RequestEntityTooLargeException", message)
    try:
        return json.loads(body or b"null")
    except (ValueError, RecursionError) as error:
        message = f"Could not parse request body into json: {error}"
        raise LambdaError(400, "InvalidRequestContentException", message) from None


def _text(answer: Any) -> str:
    """Return the result of a handler as JSON. Raises FunctionFailed where Lambda would."""
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
