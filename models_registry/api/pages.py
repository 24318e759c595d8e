"""Lists in keyset pages: a page begins after the last row of the one before it.

Unlike with OFFSET, no row is skipped or repeated while others are inserted, and the last page
costs what the first does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.db.models import Model, Q, QuerySet
from rest_framework.request import Request

from models_registry.errors import Fault, InvalidRequest

Row = TypeVar("Row")
PAGING = ("limit", "cursor")
NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


class InvalidQuery(InvalidRequest):
    code = "invalid_query_parameter"
    message = "The query of the URL is malformed."


def page(
    request: Request,
    queryset: QuerySet[Any, Row],
    *,
    key: Sequence[str] = ("-id",),
    allowed: Collection[str] = (),
) -> tuple[list[Row], dict[str, str]]:
    """Return the page of `queryset` that the query asks for, and the headers to answer with.

    `key` orders the rows, as for `order_by`: columns of the model that are never NULL and
    together unique. `allowed` names the query's other parameters. The headers are
    `Link: <...>; rel="next"` (RFC 8288), or none on the last page.
    Raises InvalidQuery with every fault; their path is "", the message names the parameter.
    """
    order = _Order(queryset.model, key)
    query = request.query_params
    faults = query_faults(request, (*PAGING, *allowed))
    limit = _limit(query.get("limit"))
    if limit is None:
        faults.append(Fault("", f"'limit' must be a number from 1 to {settings.PAGE_SIZE_LIMIT}."))
    after = order.read(query["cursor"]) if "cursor" in query else Q()
    if after is None:
        faults.append(Fault("", "'cursor' must be taken from the Link header of the same list."))
    if faults or limit is None or after is None:
        raise InvalidQuery(faults=faults)
    rows = list(queryset.filter(after).order_by(*key)[: limit + 1])
    if len(rows) <= limit:
        return rows, {}
    return rows[:limit], {"Link": _next(request, order.write(rows[limit - 1]))}


def query_faults(request: Request, allowed: Collection[str]) -> list[Fault]:
    """Return a fault for each parameter of the query that is not allowed, or given twice."""
    faults = []
    for name, values in request.query_params.lists():
        if name not in allowed:
            faults.append(Fault("", f"There is no query parameter '{name[:100]}' here."))
        elif len(values) > 1:
            faults.append(Fault("", f"'{name}' is given more than once."))
    return faults


def _limit(text: str | None) -> int | None:
    """Return how many rows to give, None for what is not a number in range."""
    if text is None:
        return settings.PAGE_SIZE_DEFAULT
    limit = int(text) if NUMBER.fullmatch(text) else 0
    return limit if 1 <= limit <= settings.PAGE_SIZE_LIMIT else None


def _next(request: Request, cursor: str) -> str:
    kept = [(name, value) for name, value in request.query_params.items() if name != "cursor"]
    query = urlencode([*kept, ("cursor", cursor)])
    return f'<{request.build_absolute_uri(request.path)}?{query}>; rel="next"'


class _Order:
    """An order of rows, and the cursors that name a place in it.

    A cursor is signed, so that its values can be trusted to be ones that a row had, and salted
    with the order, so that it is good for lists in this order only.
    """

    def __init__(self, model: type[Model], key: Sequence[str]) -> None:
        self.model = model
        self.columns = [(name.lstrip("-"), name.startswith("-")) for name in key]
        self.signer = signing.Signer(salt=f"page:{model._meta.label_lower}:{','.join(key)}")

    def write(self, row: Any) -> str:
        """Return the cursor of the place after `row`, a model instance or a dict."""
        values = [
            row[name] if isinstance(row, dict) else getattr(row, name) for name, _ in self.columns
        ]
        return self.signer.sign_object([_plain(value) for value in values])

    def read(self, cursor: str) -> Q | None:
        """Return the condition for rows after the place; None if it is no cursor of ours."""
        try:
            stored = self.signer.unsign_object(cursor)
        except signing.BadSignature:
            return None
        fields: list[Any] = [self.model._meta.get_field(name) for name, _ in self.columns]
        values = [field.to_python(value) for field, value in zip(fields, stored, strict=True)]
        after, same = Q(), Q()
        for (name, descending), value in zip(self.columns, values, strict=True):
            after |= same & Q((f"{name}__{'lt' if descending else 'gt'}", value))
            same &= Q((name, value))
        return after


def _plain(value: Any) -> str | int:
    if isinstance(value, date):  # a datetime is one
        return value.isoformat()
    return value if isinstance(value, int) else str(value)
