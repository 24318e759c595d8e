"""A scenario of the demo: its steps, and how they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from config.embedded.demo.api import Api, Unexpected
from config.embedded.demo.display import Display

# The features that the demo predicts from.
FEATURES = [0.5, 118.2, 884.6]


@dataclass(frozen=True)
class Step:
    """One step: `act` calls the API and returns the outcome in a line or two.

    It raises Unexpected if the step fails or takes too long.
    """

    title: str
    act: Callable[[], str]


class Scenario(Protocol):
    """Steps in order; they use `api`, and `display` shows each snapshot of the service."""

    title: str

    def __init__(self, api: Api, display: Display) -> None: ...

    def steps(self) -> Sequence[Step]: ...


def run(scenario: Scenario, display: Display) -> bool:
    """Run the steps until one fails; returns whether all succeeded."""
    steps = scenario.steps()
    with display.scenario(scenario.title, [step.title for step in steps]):
        for step in steps:
            display.begin(step.title)
            try:
                outcome = step.act()
            except Unexpected as error:
                display.fail(step.title, str(error))
                return False
            display.done(step.title, outcome)
    return True
