"""Who is compared: the service as production runs it, the floor, and MLflow's server."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.places import free_port, running

ROOT = Path(__file__).resolve().parents[2]
PROCESSES, THREADS = 2, 8
WITHIN_SECONDS = 240.0
SERVERS = {
    "granian": [
        *("-m", "granian", "--interface", "wsgi", "--no-ws", "--workers", "{processes}"),
        *("--blocking-threads", "{threads}", "--port", "{port}", "--log-level", "warning"),
    ],
    "gunicorn": [
        *("-m", "gunicorn", "--worker-class", "gthread", "--workers", "{processes}"),
        *("--threads", "{threads}", "--bind", "127.0.0.1:{port}", "--log-level", "warning"),
        *("--keep-alive", "60", "--limit-request-field_size", "8190"),
    ],
}


@dataclass(frozen=True)
class Server:
    """A running web server; `head` is what every request to it says beside its path."""

    port: int
    head: str
    pid: int

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> str:
        """Return a request as it goes over the wire, such as a driver sends."""
        text = "" if body is None else json.dumps(body)
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", self.head]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(text)}"]
        return "\r\n".join(lines) + "\r\n\r\n" + text

    def ask(self, method: str, path: str, body: Any = None) -> http.client.HTTPResponse:
        """Send one request and return the answer, read to its end into `answer.body`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = dict(line.split(": ", 1) for line in self.head.split("\r\n"))
        headers["Content-Type"] = "application/json"
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        answer.body = answer.read()  # type: ignore[attr-defined]
        connection.close()
        return answer


def production(database_url: str, redis_url: str) -> dict[str, str]:
    """Return the environment of a deployment; plain HTTP ends at a proxy, as in production."""
    return {
        "MODELPACT_MODE": "production",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "127.0.0.1",
        "PUBLIC_URL": "https://models.example.com",
        "TRUST_X_FORWARDED_PROTO": "true",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "AUTH_ISSUER": "modelpact-benchmarks",
        "AUTH_SHARED_SECRET": secrets.token_urlsafe(64),
        "AUTH_CLIENT_IDS": "benchmarks",
        "LAMBDA_ACCOUNTS": "123456789012",
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
    }


@contextmanager
def wsgi(
    application: str,
    folder: Path,
    token: str,
    *,
    kind: str = "granian",
    threads: int = THREADS,
    processes: int = PROCESSES,
    **changed: str,
) -> Iterator[Server]:
    """Serve a WSGI application from the environment of this process, some of it changed."""
    port = free_port()
    filled = {"port": port, "threads": threads, "processes": processes}
    command = [sys.executable, *(part.format(**filled) for part in SERVERS[kind]), application]
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **changed}
    head = f"Authorization: Bearer {token}\r\nX-Forwarded-Proto: https"
    with running(command, folder, env=environment) as process:
        server = Server(port, head, process.pid)
        wait_for(server, "/v2/health")
        yield server


@contextmanager
def mlflow(database_url: str, folder: Path) -> Iterator[Server]:
    """Install MLflow into an environment of its own, if it is not there, and serve it."""
    python = install_mlflow()
    port = free_port()
    folder.mkdir()
    url = database_url.replace("postgres://", "postgresql+psycopg://")
    command = [python, "-m", "mlflow", "server", "--backend-store-uri", url, "--workers", "4"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    own = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO")}
    bin = str(python.parent)
    with running(command, folder, env={**own, "PATH": f"{bin}:{own['PATH']}"}) as process:
        server = Server(port, "Accept: application/json", process.pid)
        wait_for(server, "/health")
        yield server


def install_mlflow() -> Path:
    """Return the Python of an environment that has MLflow."""
    folder = Path(os.environ.get("MLFLOW_ENVIRONMENT", ROOT / ".modelpact" / "mlflow"))
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "mlflow", "psycopg[binary]"]
        subprocess.run(install, check=True)
    return python


def wait_for(server: Server, path: str) -> None:
    """Wait until a server answers, whatever its answer is."""
    ends_at = time.monotonic() + WITHIN_SECONDS
    while True:
        try:
            server.ask("GET", path)
            return
        except OSError:
            if time.monotonic() > ends_at:
                raise
            time.sleep(0.02)
