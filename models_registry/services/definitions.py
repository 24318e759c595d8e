"""The definition of a model, its handlers and contracts, checked before any transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from models_registry.contracts import check_contract, interface_fingerprint
from models_registry.errors import Fault, Unprocessable
from models_registry.handlers import check_handler
from models_registry.models import INTERFACES, Action


class DefinitionRefused(Unprocessable):
    """A handler may not be used here, or a contract is not an acceptable JSON Schema."""

    code = "definition_refused"
    message = "The handlers or the contracts can't be accepted."


@dataclass(frozen=True)
class Interface:
    """The interface of an action in one direction: its schema, or the handler without one."""

    fingerprint: str
    definition: dict[str, Any]
    is_schema: bool


@dataclass(frozen=True)
class Definition:
    """Handlers and contracts that passed every check; only `check_definition` makes one.

    `interfaces` is keyed by (action, direction), such as ("training", "input").
    """

    handlers: dict[str, Any]
    handler_contracts: dict[str, Any] | None
    interfaces: dict[tuple[str, str], Interface]

    def fingerprints(self) -> dict[str, str]:
        """Return the columns of `Model` that hold the fingerprints, by name."""
        return {
            f"{action}_{direction}_fingerprint": interface.fingerprint
            for (action, direction), interface in self.interfaces.items()
        }


def check_definition(
    *, handlers: dict[str, Any], handler_contracts: dict[str, Any] | None
) -> Definition:
    """Check new handlers and contracts of a model; must be outside any transaction (it is slow).

    Both arguments have the shape of the API page already. Raises DefinitionRefused with every
    fault and its pointer into the request body.
    """
    faults = [*_handler_faults(handlers), *_contract_faults(handler_contracts or {})]
    if faults:
        raise DefinitionRefused(faults=faults)
    return Definition(handlers, handler_contracts, _interfaces(handlers, handler_contracts or {}))


def _handler_faults(handlers: dict[str, Any]) -> Iterator[Fault]:
    for action in Action.values:
        _, unprocessable = check_handler(handlers[action])
        for fault in unprocessable:
            yield Fault(f"/handlers/{action}{fault.path}", fault.message)


def _contract_faults(handler_contracts: dict[str, Any]) -> Iterator[Fault]:
    for action, direction in INTERFACES:
        schema = (handler_contracts.get(action) or {}).get(f"{direction}_schema")
        if schema is None:
            continue
        for fault in check_contract(schema):
            path = f"/handler_contracts/{action}/{direction}_schema{fault.path}"
            yield Fault(path, fault.message)


def _interfaces(
    handlers: dict[str, Any], handler_contracts: dict[str, Any]
) -> dict[tuple[str, str], Interface]:
    interfaces = {}
    for action, direction in INTERFACES:
        schema = (handler_contracts.get(action) or {}).get(f"{direction}_schema")
        handler = handlers[action]
        interfaces[(str(action), str(direction))] = Interface(
            fingerprint=interface_fingerprint(schema=schema, handler=handler),
            definition=handler if schema is None else schema,
            is_schema=schema is not None,
        )
    return interfaces
