"""Checks a deployment without changing it; each check yields findings."""

from __future__ import annotations

from typing import Literal, NamedTuple

State = Literal["ok", "warning", "problem"]


class Finding(NamedTuple):
    """The result of one check: a state, and advice unless it is ok."""

    subject: str
    state: State
    message: str
    advice: str = ""


def ok(subject: str, message: str) -> Finding:
    """Return a finding without a problem."""
    return Finding(subject, "ok", message)


def warning(subject: str, message: str, advice: str) -> Finding:
    """Return a finding that needs attention; the service works."""
    return Finding(subject, "warning", message, advice)


def problem(subject: str, message: str, advice: str) -> Finding:
    """Return a finding that stops the service, or a part of it."""
    return Finding(subject, "problem", message, advice)
