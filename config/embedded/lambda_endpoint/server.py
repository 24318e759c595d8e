"""The HTTP side: the paths, headers and errors of Lambda's Invoke API."""

from __future__ import annotations

import json
import re
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

from config.embedded.lambda_endpoint.functions import FunctionFailed, Functions
from config.embedded.lambda_endpoint.invocations import Invocation, Invocations, Throttled

PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
# A name, a partial ARN or a whole one, each with or without a qualifier.
FUNCTION = re.compile(
    r"(?:arn:aws[a-z-]*:lambda:[a-z0-9-]+:)?(?:[0-9]{12}:)?(?:function:)?"
    r"(?P<name>[A-Za-z0-9_-]{1,64})(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]{1,128}))?"
)
MIB = 1024 * 1024
PAYLOAD_LIMITS = {"Event": MIB, "RequestResponse": 6 * MIB, "DryRun": 6 * MIB}


class _Refused(Exception):
    """An answer in the shape of Lambda's errors."""

    def __init__(self, status: int, error_type: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.body = {"Type": "User", "Message": message, "message": message, **more}


class LambdaEndpoint:
    """Serves the functions of a folder until it is stopped.

    `port` 0 takes a free one; `url` says where it is. Any qualifier is accepted: a number is
    the executed version, an alias and $LATEST run as $LATEST.
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
        except _Refused as refused:
            headers = {"x-amzn-ErrorType": refused.error_type}
            if refused.status == HTTPStatus.TOO_MANY_REQUESTS:
                headers["Retry-After"] = "1"
            self._answer(refused.status, refused.body, request_id, headers)

    def _invoke(self, body: bytes, request_id: str) -> None:
        kind = self.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        invocation, version = self._invocation(body, kind)
        try:
            if kind == "DryRun":
                self._answer(HTTPStatus.NO_CONTENT, None, request_id, {})
            elif kind == "Event":
                self.invocations.queue(invocation)
                self._answer(HTTPStatus.ACCEPTED, None, request_id, {})
            else:
                self._run(invocation, version, request_id)
        except Throttled:
            message = "Rate Exceeded."
            raise _Refused(
                429,
                "TooManyRequestsException",
                message,
                Reason="ConcurrentInvocationLimitExceeded",
            ) from None

    def _run(self, invocation: Invocation, version: str, request_id: str) -> None:
        headers = {"X-Amz-Executed-Version": version}
        try:
            payload = self.invocations.answer(invocation)
            text = json.dumps(payload)
        except FunctionFailed as failure:
            headers["X-Amz-Function-Error"] = "Unhandled"
            text = json.dumps(failure.payload(request_id))
        except (TypeError, ValueError) as error:
            headers["X-Amz-Function-Error"] = "Unhandled"
            unfit = FunctionFailed("Runtime.MarshalError", str(error), [])
            text = json.dumps(unfit.payload(request_id))
        self._answer(HTTPStatus.OK, text, request_id, headers)

    def _invocation(self, body: bytes, kind: str) -> tuple[Invocation, str]:
        address = urlsplit(self.path)
        match = PATH.fullmatch(address.path)
        function = FUNCTION.fullmatch(unquote(match[1])) if match else None
        if function is None or kind not in PAYLOAD_LIMITS:
            raise _Refused(400, "InvalidParameterValueException", "The request is not an Invoke.")
        path = self.invocations.functions.path(function["name"])
        if path is None:
            arn = f"arn:aws:lambda:us-west-2:123456789012:function:{function['name']}"
            raise _Refused(404, "ResourceNotFoundException", f"Function not found: {arn}")
        if len(body) > PAYLOAD_LIMITS[kind]:
            limit = PAYLOAD_LIMITS[kind]
            message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
            raise _Refused(413, "RequestEntityTooLargeException", message)
        qualifier = parse_qs(address.query).get("Qualifier", [function["qualifier"]])[0]
        version = qualifier if qualifier and qualifier.isdigit() else "$LATEST"
        context = self.invocations.functions.context(
            function["name"], version, self.invocations.timeout_seconds
        )
        return Invocation(path, _event(body), context), version

    def _answer(self, status: int, body: Any, request_id: str, headers: dict[str, str]) -> None:
        content = b""
        if body is not None:
            content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("x-amzn-RequestId", request_id)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing for each call; failures are logged where they happen."""


def _event(body: bytes) -> Any:
    try:
        return json.loads(body or b"null")
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise _Refused(400, "InvalidRequestContentException", message) from None
