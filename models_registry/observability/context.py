"""A context manager that sets a context variable: the actor, or the trace of a request."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import Generic, TypeVar

T = TypeVar("T")


class ContextValue(Generic[T]):
    """Sets a context variable for a block, and restores it at the end.

    A class and no generator, which takes three times as long: every request enters some.
    """

    __slots__ = ("_before", "_value", "_variable")

    def __init__(self, variable: ContextVar[T], value: T) -> None:
        self._variable, self._value = variable, value

    def __enter__(self) -> T:
        self._before: Token[T] = self._variable.set(self._value)
        return self._value

    def __exit__(self, *_: object) -> None:
        self._variable.reset(self._before)
