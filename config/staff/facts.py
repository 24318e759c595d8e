"""A row field by field, for the pages of tables that need no more than that."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import ForeignKey, Model

from config.staff.showing import NOTHING, badge, link, moment, pretty
from models_registry.db.json_field import JSONTextField

STATUS_FIELDS = ("status", "state")


def facts_of(row: Model, known: Any) -> list[dict[str, Any]]:
    """Return each field's name and value; JSON apart, since it is shown as it is written.

    `known` says of a table whether its rows have a page to link to.
    """
    return [_fact(row, field, known) for field in row._meta.concrete_fields]


def _fact(row: Model, field: Any, known: Any) -> dict[str, Any]:
    name = str(field.verbose_name).capitalize()
    value = field.value_from_object(row)
    if isinstance(field, JSONTextField) and value is not None:
        return {"name": name, "json": pretty(value)}
    return {"name": name, "value": _shown(row, field, value, known)}


def _shown(row: Model, field: Any, value: Any, known: Any) -> Any:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(field, ForeignKey):
        other = getattr(row, field.name)
        return link(other) if known(type(other)) else other
    return badge(str(value)) if field.name in STATUS_FIELDS else value
