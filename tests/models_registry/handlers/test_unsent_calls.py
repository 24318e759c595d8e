"""A call of Lambda that was never sent may be tried again, whatever stood before it (F10)."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from models_registry.handlers import Answered, Retry, handler_for, lambda_clients
from tests.faulty_lambda import FaultyLambda

ARN = "arn:aws:lambda:us-west-2:123456789012:function:train"


@pytest.fixture(autouse=True)
def nobodys_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Leave boto3 no credentials but those of the configuration file that is returned."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    _forget_clients()
    yield tmp_path / "config"
    _forget_clients()


def _forget_clients() -> None:
    lambda_clients.make_client.cache_clear()
    lambda_clients.session.cache_clear()


@pytest.fixture
def web_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have boto3 ask STS for credentials, with a token from a file."""
    (tmp_path / "token").write_text("token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/worker")


@pytest.fixture
def faulty(settings) -> Iterator[FaultyLambda]:
    with FaultyLambda() as fake:
        settings.LAMBDA_ENDPOINT_URL = fake.url
        yield fake


def _call():
    handler = {"type": "lambda", "arn": ARN}
    return handler_for("lambda").invoke(handler=handler, event=b"{}", job_type="inference")


def _assert_is_tried_again(outcome, code: str) -> None:
    assert isinstance(outcome, Retry)
    assert outcome.error["code"] == code
    assert ARN in outcome.error["message"]


def test_without_credentials_a_call_is_tried_again(settings, faulty):
    """The deployment's fault, that mending it cures."""
    settings.EMBEDDED = False

    _assert_is_tried_again(_call(), "lambda_no_credentials")
    assert faulty.calls == []


def test_credentials_that_can_not_be_fetched_are_as_none(settings, faulty, nobodys_account):
    settings.EMBEDDED = False
    nobodys_account.write_text("[default]\ncredential_process = false\n")

    _assert_is_tried_again(_call(), "lambda_no_credentials")
    assert faulty.calls == []


def test_a_refusal_of_the_token_service_is_not_taken_for_lambdas(
    settings, faulty, monkeypatch, web_identity, caplog
):
    """STS's AccessDenied says nothing of the function; who was denied is only for the log."""
    settings.EMBEDDED = False
    with _sts("no") as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        outcome = _call()

    _assert_is_tried_again(outcome, "lambda_no_credentials")
    assert "secret-role" not in str(outcome)
    assert "secret-role" in caplog.text
    assert faulty.calls == []


@pytest.mark.parametrize("says", ["nothing", "half"])
def test_a_token_service_that_does_not_answer_leaves_the_call_unsent(
    settings, faulty, monkeypatch, web_identity, says
):
    """Not "unknown": the job would wait for hours for the report of a call that was never made."""
    settings.EMBEDDED = False
    monkeypatch.setattr(lambda_clients, "CREDENTIALS_READ_SECONDS", 0.5)
    with _sts(says) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        begun = time.monotonic()
        outcome = _call()

    _assert_is_tried_again(outcome, "lambda_no_credentials")
    assert time.monotonic() - begun < 10, "the waits for credentials are not bounded"
    assert faulty.calls == []


def test_a_proxy_that_refuses_is_tried_again(settings, monkeypatch, nobodys_account):
    settings.EMBEDDED = False
    settings.LAMBDA_ENDPOINT_URL = "http://lambda.invalid"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    with _refusing_port() as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")

        _assert_is_tried_again(_call(), "lambda_unreachable")


def test_the_local_endpoint_is_reached_past_a_proxy(faulty, monkeypatch):
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with _refusing_port() as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")

        assert isinstance(_call(), Answered)


def test_an_endpoint_with_a_certificate_nobody_trusts_is_sent_nothing(settings, tmp_path):
    with FaultyLambda() as fake:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_own_certificate(tmp_path))
        fake._server.socket = context.wrap_socket(fake._server.socket, server_side=True)
        settings.LAMBDA_ENDPOINT_URL = fake.url.replace("http:", "https:")

        _assert_is_tried_again(_call(), "lambda_unreachable")
    assert fake.calls == []


@contextmanager
def _refusing_port() -> Iterator[int]:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


@contextmanager
def _sts(says: str) -> Iterator[str]:
    """Serve a token service that says "no", "nothing", or "half" of an answer."""
    is_over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if says == "nothing":
                is_over.wait(60)
                return
            if says == "half":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            error = "<Error><Code>AccessDenied</Code><Message>secret-role</Message></Error>"
            body = f"<ErrorResponse>{error}</ErrorResponse>".encode()
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        is_over.set()
        server.shutdown()


def _own_certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "own.pem"
    path.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    return path
