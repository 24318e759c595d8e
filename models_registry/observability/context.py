"""What holds for a block of code: who acts in it, and what it is called in logs and traces."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import Generic, TypeVar

T = TypeVar("T")


class ContextValue(Generic[T]):
    """Holds a context variable at a value for a block; afterwards it is as it was before.

    A class and no generator, which would cost three times as much: every request has some.
    """

    __slots__ = ("_before", "_value", "_variable")

    def __init__(self, variable: ContextVar[T], value: T) -> None:
        self._variable, self._value = variable, value

    def __enter__(self) -> T:
        self._before: Token[T] = self._variable.set(self._value)
        return self._value

    def __exit__(self, *_: object) -> None:
        self._variable.reset(self._before)
