"""The validator factory: Draft 2020-12, offline, regular expressions in linear time.

All validators are made here. `format` and the `content*` keywords are annotations, the default of
the draft: they never refuse a value.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import jsonschema_rs

from models_registry.contracts.keywords import NAMELESS

# Limits of the regular expression engine: of a compiled expression, and of its cache.
PATTERNS = jsonschema_rs.RegexOptions(size_limit=1 << 20, dfa_size_limit=1 << 18)
# Replaces every value in the library's messages and logs.
MASK = "***"


class _NoOp:
    """A keyword that refuses no value, in place of the library's own."""

    def __init__(self, parent: Any, value: Any, path: Any) -> None:
        """Ignore the arguments of the library."""

    def validate(self, instance: Any) -> None:
        """Refuse nothing."""


# Not a keyword of Draft 2020-12, but the library enforces it as older drafts do.
KEYWORDS: dict[str, type[Any]] = {"dependencies": _NoOp}


class RemoteReference(ValueError):
    """A schema asked for a document that is not part of it."""


def make_validator(schema: dict[str, Any] | bool) -> jsonschema_rs.Draft202012Validator:
    """Compile `schema`; raises ValueError with the library's reason."""
    # The library would parse a string as JSON.
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
    """Compiles single subschemas of one document; their references still resolve."""

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
    raise RemoteReference("Nothing outside the document is fetched.")
