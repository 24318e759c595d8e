"""A column for free JSON that gives back exactly what was stored, on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from django.db import models


class JSONTextField(models.TextField):
    """JSON kept as text; SQL NULL is None.

    Not `jsonb`: that rewrites numbers (1e22 comes back as an integer of 23 digits) and refuses
    what SQLite takes, so the two databases would answer differently. Nothing here is queried by
    its inside but the names of functions (queue/due_jobs.py), and text can be handed on
    without decoding.
    """

    if TYPE_CHECKING:
        # What django-stubs reads: any JSON may be set and got.
        _pyi_private_set_type: Any
        _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return None if value is None else orjson.loads(value)

    def to_python(self, value: Any) -> Any:
        return value

    def get_prep_value(self, value: Any) -> Any:
        if value is None or hasattr(value, "resolve_expression"):
            return value
        return orjson.dumps(value).decode()

    def value_to_string(self, obj: models.Model) -> str:
        return orjson.dumps(self.value_from_object(obj)).decode()
