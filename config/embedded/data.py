"""The data directory of the embedded mode: the database, and secrets that are generated once."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


class DataDirInUse(Exception):
    """Another process uses this directory."""


class DataDir:
    """A directory with mode 700; created on first use."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the directory for this process until the block ends. Raises DataDirInUse."""
        import fcntl  # here, since the settings of every platform import this module

        self._create_directory()
        with (self.path / "serve.lock").open("w", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise DataDirInUse from error
            yield

    def secret(self, name: str, *, size_bytes: int = 64) -> str:
        """Return the secret `name`; the first call generates it with mode 600.

        Safe if two processes start at the same time: the file is created atomically by a link,
        and the first one wins. Raises ImproperlyConfigured if the directory can't be used.
        """
        self._create_directory()
        target = self.path / name
        if not target.exists():
            self._generate(target, size_bytes)
        return target.read_text(encoding="ascii").strip()

    def _create_directory(self) -> None:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            writable = os.access(self.path, os.W_OK | os.X_OK)
        except OSError as error:
            raise ImproperlyConfigured(self._unusable(error.strerror)) from error
        if not writable:
            raise ImproperlyConfigured(self._unusable("it is not writable"))

    def _unusable(self, reason: str | None) -> str:
        return (
            f"The data directory {self.path} can't be used: {reason}; choose another with --data."
        )

    def _generate(self, target: Path, size_bytes: int) -> None:
        draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(size_bytes))
        try:
            os.link(draft, target)
        except FileExistsError:
            pass  # another process was first; its secret is used
        finally:
            draft.unlink()
