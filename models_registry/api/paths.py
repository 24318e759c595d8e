"""What an id may look like, in a path, a query and a body alike."""

from __future__ import annotations

import re
from collections.abc import Mapping

from models_registry.errors import Fault, InvalidRequest
from models_registry.json_types import ID_PATTERN

UUID_PATTERN = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
ID_RULE = "must be 1 to 128 of A-Z, a-z, 0-9, '.', '_' and '-', beginning with a letter or digit"
UUID_RULE = "must be a UUID with hyphens"

_NAMED = (re.compile(ID_PATTERN), ID_RULE)
_NUMBERED = (re.compile(UUID_PATTERN), UUID_RULE)
GRAMMARS = {
    "model_id": _NAMED,
    "model_version": _NAMED,
    "source_model_id": _NAMED,
    "target_model_id": _NAMED,
    "job_id": _NUMBERED,
    "subscription_id": _NUMBERED,
    "revalidation_id": _NUMBERED,
}


class InvalidPathParameter(InvalidRequest):
    code = "invalid_path_parameter"
    message = "The path names something by an id that no id can be."


def check_path(parameters: Mapping[str, str]) -> None:
    """Check the parameters of a path, such as `{"model_id": "price"}`, by their names.

    Raises InvalidPathParameter with every fault. Their path is "", since there is no place in
    the body to point at; the message names the parameter. A name without a grammar is a
    mistake in the code (KeyError).
    """
    broken = {name: broken_rule(name, value) for name, value in parameters.items()}
    faults = [
        Fault("", f"The path parameter '{name}' {rule}.") for name, rule in broken.items() if rule
    ]
    if faults:
        raise InvalidPathParameter(faults=faults)


def broken_rule(name: str, value: str) -> str | None:
    """Return the rule for ids of this name that `value` breaks; None when it keeps it."""
    grammar, rule = GRAMMARS[name]
    return None if grammar.fullmatch(value) else rule
