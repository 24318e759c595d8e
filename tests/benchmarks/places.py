"""Where it runs: PostgreSQL and Redis of its own on free ports, or those that URLs name."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis

WITHIN_SECONDS = 60.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def servers() -> Iterator[tuple[str, str]]:
    """Yield the URLs of PostgreSQL and Redis: those of the environment, else its own."""
    with ExitStack() as stack:
        database_url = os.environ.get("DATABASE_URL") or stack.enter_context(_postgres())
        yield database_url, os.environ.get("REDIS_URL") or stack.enter_context(_redis())


@contextmanager
def places(names: tuple[str, ...]) -> Iterator[tuple[dict[str, str], str]]:
    """Yield the URL of a new database for each of `names`, and Redis's; all are taken away."""
    with ExitStack() as stack:
        server, redis_url = stack.enter_context(servers())
        yield {name: stack.enter_context(database(server, name)) for name in names}, redis_url


@contextmanager
def database(server: str, name: str) -> Iterator[str]:
    """Make a database on the server that the URL `server` leads to, and yield its URL."""
    name = f"modelpact_bench_{name}_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


@contextmanager
def copied(url: str, suffix: str) -> Iterator[str]:
    """Copy a database to which nobody is connected, and yield the URL of the copy."""
    parts = urlsplit(url)
    source = parts.path.lstrip("/")
    name = f"{source}_{suffix}"
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {source}")  # type: ignore[arg-type]
        try:
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


@contextmanager
def _postgres() -> Iterator[str]:
    port, binaries = free_port(), postgres_binaries()
    with _own_folder("postgres") as folder:
        account = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        data = str(folder / "data")
        make = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        subprocess.run(make, check=True, cwd=folder, stdout=subprocess.DEVNULL, **account)  # type: ignore[call-overload]
        options = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": folder,
            "max_connections": 200,
            "shared_buffers": "512MB",
            "max_wal_size": "4GB",
        }
        run = [binaries / "postgres", "-D", data]
        run += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        url = f"postgres://postgres@127.0.0.1:{port}/postgres"
        with running(run, folder, **account):
            _wait(lambda: psycopg.connect(url, connect_timeout=2).close())
            yield url


def postgres_binaries() -> Path:
    found = shutil.which("postgres")
    if found:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not installed:
        raise SystemExit("Set DATABASE_URL, or have PostgreSQL's programs on the PATH.")
    return installed[-1].parent


@contextmanager
def _redis() -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        raise SystemExit("Set REDIS_URL, or have redis-server on the PATH.")
    port = free_port()
    run = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with _own_folder("redis") as folder, running(run, folder):
        _wait(lambda: redis.Redis(port=port).ping())
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def running(
    command: list[str | Path], folder: Path, **more: object
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process whose output goes to a file in `folder`, and stop it afterwards."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # type: ignore[call-overload]
            [str(part) for part in command],
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **more,
        )
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            # Whatever it started and left behind.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def _own_folder(name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=f"modelpact-{name}-") as made:
        if os.geteuid() == 0 and name == "postgres":
            # It refuses to run as root.
            account = pwd.getpwnam("postgres")
            os.chown(made, account.pw_uid, account.pw_gid)
        yield Path(made)


def _wait(attempt: object) -> None:
    """Call until nothing is raised. Raises the last error after a minute."""
    ends_at = time.monotonic() + WITHIN_SECONDS
    while True:
        try:
            attempt()  # type: ignore[operator]
            return
        except (psycopg.OperationalError, redis.ConnectionError):
            if time.monotonic() > ends_at:
                raise
            time.sleep(0.1)
