"""Interfaces of models: the present ones, and those of earlier versions and changes."""

from __future__ import annotations

from collections.abc import Mapping

from models_registry.contracts import interface_fingerprint
from models_registry.models import INTERFACES, InterfaceChange, Model, ModelVersion
from models_registry.services.definitions import Interface

# Keyed by (action, direction), such as ("training", "input").
Interfaces = Mapping[tuple[str, str], Interface]


def interfaces_of(of: Model | ModelVersion) -> Interfaces:
    """Return the present interfaces of a model, or those frozen in a version."""
    return {(str(action), str(way)): interface_of(of, action, way) for action, way in INTERFACES}


def interface_of(of: Model | ModelVersion, action: str, direction: str) -> Interface:
    """Return one present interface of a model, or the one frozen in a version."""
    schema = ((of.handler_contracts or {}).get(action) or {}).get(f"{direction}_schema")
    handler = of.handlers[action]
    return Interface(
        fingerprint=interface_fingerprint(schema=schema, handler=handler),
        definition=handler if schema is None else schema,
        is_schema=schema is not None,
    )


def interfaces_at(model_id: str, change_id: int) -> Interfaces:
    """Return a model's interfaces after the change with this id."""
    found = {}
    for action, direction in INTERFACES:
        history = InterfaceChange.objects.filter(
            model_id=model_id, action=action, direction=direction, id__lte=change_id
        )
        change = history.order_by("-id")[:1].get()  # registering a model records all four
        found[str(action), str(direction)] = _of_change(change)
    return found


def accepted_interface(
    model_id: str, action: str, direction: str, fingerprint: str
) -> Interface | None:
    """Return the interface of a model that had this fingerprint; None if it never had it."""
    history = InterfaceChange.objects.filter(
        model_id=model_id, action=action, direction=direction, fingerprint=fingerprint
    )
    change = history.order_by("-id").first()
    return None if change is None else _of_change(change)


def _of_change(change: InterfaceChange) -> Interface:
    """Return the interface after a change."""
    return Interface(change.fingerprint, change.definition, change.is_schema)


def schema_of(interface: Interface) -> dict[str, object] | None:
    """Return the schema of an interface; None if it is only a handler."""
    return interface.definition if interface.is_schema else None
