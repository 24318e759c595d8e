"""What an examination finds."""

from __future__ import annotations

from typing import Literal, NamedTuple

State = Literal["ok", "warning", "problem"]


class Finding(NamedTuple):
    """One thing that was looked at: how it is, and what to do where it isn't well."""

    subject: str
    state: State
    message: str
    advice: str = ""


def well(subject: str, message: str) -> Finding:
    """Return a finding that asks for nothing."""
    return Finding(subject, "ok", message)


def warning(subject: str, message: str, advice: str) -> Finding:
    """Return a finding that somebody should look at; the service works."""
    return Finding(subject, "warning", message, advice)


def problem(subject: str, message: str, advice: str) -> Finding:
    """Return a finding with which the service, or a part of it, does not work."""
    return Finding(subject, "problem", message, advice)
