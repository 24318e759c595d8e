"""A handler that answers as a test tells it, in place of the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from models_registry.handlers import Accepted, Answered, Handler, Outcome


@dataclass(frozen=True)
class Call:
    """One call of a handler, with its event decoded."""

    handler: dict[str, Any]
    event: dict[str, Any]
    job_type: str


@dataclass
class ScriptedHandler:
    """Gives `outcomes` in their order, then what its job type usually gets.

    An entry may be a function of the call: it runs where the network would be, so a test can
    have things happen during a call.
    """

    outcomes: list[Outcome | Callable[[Call], Outcome]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def invoke(self, *, handler: dict[str, Any], event: bytes, job_type: str) -> Outcome:
        call = Call(handler, orjson.loads(event), job_type)
        self.calls.append(call)
        if self.outcomes:
            outcome = self.outcomes.pop(0)
            return outcome(call) if callable(outcome) else outcome
        return Accepted("scripted") if job_type == "training" else Answered({"predictions": []})

    def instead_of(self, lookup: Callable[[str], Handler]) -> Callable[[str], Any]:
        """Return what looks a handler up as `lookup` does, and calls this one instead."""
        script = self

        class Stand:
            def __init__(self, real: Handler) -> None:
                self.real = real

            def __getattr__(self, name: str) -> Any:
                return getattr(self.real, name)

            def invoke(self, **call: Any) -> Outcome:
                return script.invoke(**call)

        return lambda type: Stand(lookup(type))
