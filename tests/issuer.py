"""An issuer on loopback: signing keys, and a JWKS address that can be made to misbehave."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm


@dataclass(frozen=True)
class SigningKey:
    kid: str
    private: Any
    algorithm: str

    @property
    def jwk(self) -> dict[str, Any]:
        """The entry of the public half in a key set, as issuers write it."""
        convert = RSAAlgorithm if self.algorithm.startswith("RS") else ECAlgorithm
        public = convert.to_jwk(self.private.public_key(), as_dict=True)
        public.pop("key_ops", None)
        return {**public, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        return jwt.encode(
            claims, self.private, self.algorithm, headers={"kid": self.kid, **headers}
        )


@functools.cache
def rsa_key(kid: str, bits: int = 2048) -> SigningKey:
    return SigningKey(kid, rsa.generate_private_key(public_exponent=65537, key_size=bits), "RS256")


@functools.cache
def ec_key(kid: str) -> SigningKey:
    return SigningKey(kid, ec.generate_private_key(ec.SECP256R1()), "ES256")


def key_set(*keys: SigningKey) -> bytes:
    return json.dumps({"keys": [key.jwk for key in keys]}).encode()


class FakeIssuer:
    """Serves `keys` at `url` and counts the fetches; `mode` says how it behaves."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys = keys
        self.mode = "ok"
        self.fetches = 0
        self._released = threading.Event()
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.fetches += 1
                issuer._modes[issuer.mode](self)

            def log_message(self, *args: Any) -> None:
                """Silent."""

        self._modes: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {
            "ok": lambda request: self._answer(request, key_set(*self.keys)),
            "500": lambda request: self._answer(request, b"{}", status=500),
            "204": lambda request: self._answer(request, b"", status=204),
            "garbage": lambda request: self._answer(request, b"<html>\xff"),
            "array": lambda request: self._answer(request, b"[]"),
            "empty": lambda request: self._answer(request, b'{"keys": []}'),
            "huge": lambda request: self._answer(request, b" " * 10**6 + key_set(*self.keys)),
            "cut": lambda request: self._answer(request, key_set(*self.keys)[:-20], cut=True),
            "redirect": self._redirect,
            "hang": self._hang,
            "drip": self._drip,
        }
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *args: None  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks.json"

    def close(self) -> None:
        self._released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        settle()

    def _answer(
        self, request: BaseHTTPRequestHandler, body: bytes, *, status: int = 200, cut: bool = False
    ) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body) + (20 if cut else 0)))
        request.end_headers()
        request.wfile.write(body)

    def _redirect(self, request: BaseHTTPRequestHandler) -> None:
        """Lead to an address that answers well, so that only following it would give keys."""
        if request.path != "/jwks.json":
            self._answer(request, key_set(*self.keys))
            return
        request.send_response(302)
        request.send_header("Location", "/elsewhere")
        request.send_header("Content-Length", "0")
        request.end_headers()

    def _hang(self, request: BaseHTTPRequestHandler) -> None:
        self._released.wait(30)

    def _drip(self, request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        for _ in range(1000):
            request.wfile.write(b" ")
            if self._released.wait(0.05):
                return


def settle() -> None:
    """Wait for the fetches under way in this process."""
    for thread in threading.enumerate():
        if thread.name == "jwks":
            thread.join(10)
