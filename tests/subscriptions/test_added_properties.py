"""Counting the payloads that carry a new name, where the name's own schema can't be asked."""

from __future__ import annotations

from typing import Any, NoReturn

from models_registry.contracts.factory import PartFactory
from subscriptions.impact.added_properties import PropertyCount


class Refusing(PartFactory):
    """Says of every part that it can't be compiled alone, and counts how often it is asked."""

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__(document)
        self.tries = 0

    def make(self, pointer: str) -> NoReturn:
        self.tries += 1
        raise ValueError


def test_a_part_that_can_not_be_asked_alone_is_compiled_once_and_refuses_nothing():
    parts = Refusing({})
    names = PropertyCount("/items/properties/a", "It is new.", parts)
    for _ in range(3):
        names.count([{"a": 1}, {"a": 2}], [], are_all=False)

    assert parts.tries == 1
    assert (names.report()["carried"], names.report()["broken"]) == (3, 0)
