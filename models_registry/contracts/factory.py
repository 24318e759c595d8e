"""The one place where validators are made: Draft 2020-12, offline, linear regular expressions.

`format` and the `content*` keywords are annotations, as the draft has it by default: they never
refuse a value.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import jsonschema_rs

from models_registry.contracts.keywords import NAMELESS

# The engine's own limits: of one compiled expression, and of what it remembers while matching.
PATTERNS = jsonschema_rs.RegexOptions(size_limit=1 << 20, dfa_size_limit=1 << 18)
# Stands for every value in whatever the library says or logs.
MASK = "***"


class _SaysNothing:
    """A keyword that refuses no value, in place of what the library would make of it."""

    def __init__(self, parent: Any, value: Any, path: Any) -> None:
        """Take what the library gives, and keep nothing of it."""

    def validate(self, instance: Any) -> None:
        """Refuse nothing."""


# No keyword of Draft 2020-12, but the library enforces it as older drafts do.
KEYWORDS: dict[str, type[Any]] = {"dependencies": _SaysNothing}


class NothingIsFetched(ValueError):
    """A schema asked for a document that is not part of it."""


def make_validator(schema: dict[str, Any] | bool) -> jsonschema_rs.Draft202012Validator:
    """Compile `schema`; raises ValueError with the library's reason when it can't be."""
    # A string would be taken as JSON text.
    if not isinstance(schema, dict | bool):
        raise ValueError("A schema is an object or a boolean.")
    return jsonschema_rs.Draft202012Validator(
        schema,
        validate_formats=False,
        keywords=KEYWORDS,
        pattern_options=PATTERNS,
        offline=True,
        mask=MASK,
    )


class PartFactory:
    """Compiles single subschemas of one document; what they refer to stays reachable."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._registry = jsonschema_rs.Registry(
            [(NAMELESS, document)], draft=jsonschema_rs.Draft202012, retriever=_refuse
        )

    def make(self, pointer: str) -> jsonschema_rs.Draft202012Validator:
        """Compile the subschema at `pointer`."""
        return jsonschema_rs.Draft202012Validator(
            {"$ref": f"{NAMELESS}#{quote(pointer)}"},
            validate_formats=False,
            keywords=KEYWORDS,
            registry=self._registry,
            pattern_options=PATTERNS,
            offline=True,
            mask=MASK,
        )


def _refuse(uri: str) -> Any:
    raise NothingIsFetched("Nothing outside the document is fetched.")
