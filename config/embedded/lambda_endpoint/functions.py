"""Functions: plain Python files with a `handler(event, context)`, loaded from a folder."""

from __future__ import annotations

import importlib.util
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Context:
    """What a handler is told of its invocation, under the names that Lambda uses."""

    function_name: str
    function_version: str
    invoked_function_arn: str
    aws_request_id: str
    timeout_seconds: float
    memory_limit_in_mb: int = 128
    ends_at: float = 0.0

    def started(self) -> Context:
        """Return this context with its time running from now."""
        return replace(self, ends_at=time.monotonic() + self.timeout_seconds)

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.ends_at - time.monotonic()) * 1000))


class FunctionFailed(Exception):
    """The handler raised; in Lambda's words."""

    def __init__(self, error_type: str, message: str, stack: list[str]) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.stack = stack

    def payload(self, request_id: str) -> dict[str, Any]:
        return {
            "errorMessage": self.message,
            "errorType": self.error_type,
            "requestId": request_id,
            "stackTrace": self.stack,
        }


class Functions:
    """The functions of one folder: `train-model` is `train-model.py` or `train_model.py`.

    A file is loaded anew when it has changed, so that a handler can be written while the
    service runs. Files that begin with an underscore are no functions; handlers may import them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._loaded: dict[Path, tuple[int, ModuleType]] = {}

    def path(self, name: str) -> Path | None:
        """Return the file of a function; None if there is none."""
        if not NAME.fullmatch(name) or name.startswith("_"):
            return None
        for candidate in (name, name.replace("-", "_")):
            path = self.folder / f"{candidate}.py"
            if path.is_file():
                return path
        return None

    def run(self, path: Path, event: Any, context: Context) -> Any:
        """Run a function's handler. Raises FunctionFailed for whatever it raises."""
        try:
            return self._handler(path)(event, context.started())
        except (Exception, SystemExit) as error:
            stack = traceback.format_tb(error.__traceback__)[1:]
            raise FunctionFailed(type(error).__name__, str(error), stack) from error

    def _handler(self, path: Path) -> Callable[[Any, Context], Any]:
        with self._lock:
            changed_at = path.stat().st_mtime_ns
            loaded = self._loaded.get(path)
            if loaded is None or loaded[0] != changed_at:
                loaded = (changed_at, self._load(path))
                self._loaded[path] = loaded
        handler: Callable[[Any, Context], Any] = loaded[1].handler
        return handler

    def _load(self, path: Path) -> ModuleType:
        if str(self.folder) not in sys.path:
            # As in Lambda, where the folder of the code is importable.
            sys.path.append(str(self.folder))
        name = f"modelpact_function_{path.stem.replace('-', '_')}"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
