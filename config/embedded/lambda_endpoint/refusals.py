"""How Lambda refuses a call: a status, the type of the error, and a body in its shape."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """An answer in the shape of Lambda's errors; `more` are further members of its body."""

    def __init__(self, status: int, error_type: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.body = {"Type": "User", "Message": message, "message": message, **more}
