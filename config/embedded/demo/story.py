"""What a story is, and how one is played."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from config.embedded.demo.api import Api, Unexpected
from config.embedded.demo.stage import Stage


@dataclass(frozen=True)
class Step:
    """One step: `act` does it over HTTP and returns what was seen, in a line or two.

    It raises Unexpected when the step did not happen as it should, or not in time.
    """

    title: str
    act: Callable[[], str]


class Story(Protocol):
    """Steps in their order, done through `api`; what they see of the service, `stage` shows."""

    title: str

    def __init__(self, api: Api, stage: Stage) -> None: ...

    def steps(self) -> Sequence[Step]: ...


def play(story: Story, stage: Stage) -> bool:
    """Play a story; returns whether every step was seen to happen. Stops at the first failure."""
    steps = story.steps()
    with stage.story(story.title, [step.title for step in steps]):
        for step in steps:
            stage.begin(step.title)
            try:
                seen = step.act()
            except Unexpected as error:
                stage.fail(step.title, str(error))
                return False
            stage.done(step.title, seen)
    return True
