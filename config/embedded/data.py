"""The data directory of the embedded default: the database, and secrets made once."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


class DataDirInUse(Exception):
    """Another process serves from this directory."""


class DataDir:
    """A directory that only its owner may read; it is made on first use."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the directory for one process, until it lets go or dies. Raises DataDirInUse."""
        import fcntl  # here, since the settings of every platform import this module

        self._make_folder()
        with (self.path / "serve.lock").open("w", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise DataDirInUse from error
            yield

    def secret(self, name: str, *, size_bytes: int = 64) -> str:
        """Return the secret called `name`, making it (mode 600) the first time.

        Two processes that start at once agree: the file appears whole, by link, and the first
        one wins. Raises ImproperlyConfigured when the directory can't be used.
        """
        self._make_folder()
        target = self.path / name
        if not target.exists():
            self._make(target, size_bytes)
        return target.read_text(encoding="ascii").strip()

    def _make_folder(self) -> None:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            writable = os.access(self.path, os.W_OK | os.X_OK)
        except OSError as error:
            raise ImproperlyConfigured(self._unusable(error.strerror)) from error
        if not writable:
            raise ImproperlyConfigured(self._unusable("it may not be written to"))

    def _unusable(self, reason: str | None) -> str:
        return f"The data directory {self.path} can't be used: {reason}; choose another by --data."

    def _make(self, target: Path, size_bytes: int) -> None:
        draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(size_bytes))
        try:
            os.link(draft, target)
        except FileExistsError:
            pass  # another process was first; its secret is the one that counts
        finally:
            draft.unlink()
