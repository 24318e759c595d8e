"""What an update of a model does to those who depend on it; foretold, and told afterwards.

One path serves both: `foretell` is given the interfaces before and after, planned or made, and
only reads.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from models_registry.contracts.compare import Comparison, compare
from models_registry.db.read_models import model_etag
from models_registry.json_types import Identifier
from models_registry.models import INTERFACES, Action, Direction
from models_registry.services.definitions import Definition, Interface
from models_registry.services.lookups import get_model
from subscriptions.impact.payload_checks import PayloadReport, try_payloads
from subscriptions.impact.stale_counts import StaleCounts, count_stale
from subscriptions.services.interfaces import Interfaces, interfaces_of, schema_of


class InterfaceReport(TypedDict):
    """What becomes of one interface, which is the schema or, without one, the handler.

    No comparison where it does not change, or where there is no schema on either side.
    """

    action: Annotated[str, Action]
    direction: Annotated[str, Direction]
    changes: bool
    before: Literal["schema", "handler"]
    after: Literal["schema", "handler"]
    comparison: Comparison | None


class Foretold(TypedDict):
    """What an update does to others: by interface, by subscription, by stored payload."""

    interfaces: list[InterfaceReport]
    stale: StaleCounts
    payloads: list[PayloadReport]
    warnings: list[str]


class Against(TypedDict):
    """The state it was checked against.

    With `etag` in its `If-Match` the update is refused if there is another by then.
    """

    version: Identifier
    etag: str


class ContractCheck(Foretold):
    """What a planned update would do."""

    against: Against


def check_update(*, model_id: str, definition: Definition) -> ContractCheck:
    """Say what an update to `definition` would do; writes nothing. Raises ModelNotFound.

    Must be outside any transaction: it may take seconds.
    """
    model, newest = get_model(model_id)
    foretold = foretell(model_id=model_id, old=interfaces_of(model), new=definition.interfaces)
    return {
        "against": {"version": newest.version, "etag": model_etag(model, newest)},
        **foretold,
    }


def foretell(*, model_id: str, old: Interfaces, new: Interfaces) -> Foretold:
    """Say what it does to others when a model's interfaces `old` become `new`; writes nothing.

    Must be outside any transaction: it may take seconds.
    """
    compared = {
        (str(action), str(way)): _compare(old[action, way], new[action, way], way)
        for action, way in INTERFACES
    }
    changed = [key for key in compared if old[key].fingerprint != new[key].fingerprint]
    return {
        "interfaces": [
            _report(key, old[key], new[key], compared[key] if key in changed else None)
            for key in compared
        ],
        "stale": count_stale(model_id=model_id, old=old, new=new),
        "payloads": [
            try_payloads(
                model_id=model_id,
                action=key[0],
                old=old[key],
                new=new[key],
                comparison=compared[key],
            )
            for key in changed
            if key[1] == Direction.INPUT
        ],
        "warnings": [
            f"The {action} {direction} schema can never accept anything: every {direction} is an"
            " object, and it takes none."
            for (action, direction), comparison in compared.items()
            if comparison is not None and comparison["never_accepts"]
        ],
    }


def unchanged(interfaces: Interfaces) -> Foretold:
    """Return what an update without a change of interface does: nothing."""
    return {
        "interfaces": [_report(key, each, each, None) for key, each in interfaces.items()],
        "stale": {"target": 0, "source": 0, "total": 0, "active": 0, "ended": 0},
        "payloads": [],
        "warnings": [],
    }


def _compare(old: Interface, new: Interface, direction: Direction) -> Comparison | None:
    if not (old.is_schema or new.is_schema):
        return None
    way: Any = str(direction)
    return compare(schema_of(old), schema_of(new), direction=way, only_objects=True)


def _report(
    key: tuple[str, str], old: Interface, new: Interface, comparison: Comparison | None
) -> InterfaceReport:
    return {
        "action": key[0],
        "direction": key[1],
        "changes": old.fingerprint != new.fingerprint,
        "before": "schema" if old.is_schema else "handler",
        "after": "schema" if new.is_schema else "handler",
        "comparison": comparison,
    }
