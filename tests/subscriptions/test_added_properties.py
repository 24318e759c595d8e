"""Counting the payloads that carry an added property whose schema can't be compiled alone."""

from __future__ import annotations

from typing import Any, NoReturn

from models_registry.contracts.factory import PartFactory
from subscriptions.impact.added_properties import PropertyCount


class Refusing(PartFactory):
    """Refuses to compile any part alone, and counts the attempts."""

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__(document)
        self.attempts = 0

    def make(self, pointer: str) -> NoReturn:
        self.attempts += 1
        raise ValueError


def test_a_part_that_can_not_be_compiled_alone_is_tried_once_and_refuses_nothing():
    parts = Refusing({})
    added = PropertyCount("/items/properties/a", "It is new.", parts)
    for _ in range(3):
        added.count([{"a": 1}, {"a": 2}], [], are_all=False)

    assert parts.attempts == 1
    assert (added.report()["carried"], added.report()["broken"]) == (3, 0)
