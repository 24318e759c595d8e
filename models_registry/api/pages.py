"""Lists in keyset pages: a page begins after the last row of the one before it.

Unlike with OFFSET, no row is skipped or repeated while others are inserted, and the last page
costs what the first does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.db.models import Model, Q, QuerySet
from rest_framework.request import Request

from models_registry.api.queries import Query

Row = TypeVar("Row")
PAGING = ("limit", "cursor")


def page(
    request: Request,
    queryset: QuerySet[Any, Row],
    *,
    key: Sequence[str] = ("-id",),
    query: Query | None = None,
) -> tuple[list[Row], dict[str, str]]:
    """Return the page of `queryset` that the query asks for, and the headers to answer with.

    `key` orders the rows, as for `order_by`: columns of the model that are never NULL and
    together unique. `query` is given where the list has parameters besides those of paging. The
    headers are `Link: <...>; rel="next"` (RFC 8288), or none on the last page.
    Raises InvalidQuery with every fault of the query, those found before among them.
    """
    model: Any = queryset.model
    order = _order(model, tuple(key))
    limit, after = _wanted(query or Query(request, PAGING), order)
    condition = Q() if after is None else order.condition(after)
    rows = list(queryset.filter(condition).order_by(*key)[: limit + 1])
    return _cut(request, order, rows, limit)


def stored_page(
    request: Request, model: type[Model], read: Callable[[str, int], list[Row]]
) -> tuple[list[Row], dict[str, str]]:
    """Return a page of `model`'s rows in the order of their ids, as `page` does, from `read`.

    `read` is given the id after which the page begins, "" from the start, and how many rows.
    """
    order = _order(model, ("id",))
    limit, after = _wanted(Query(request, PAGING), order)
    return _cut(request, order, read("" if after is None else after[0], limit + 1), limit)


def _wanted(query: Query, order: _Order) -> tuple[int, list[Any] | None]:
    """Return how many rows are asked for, and the place after which they begin."""
    limit = query.number("limit", default=settings.PAGE_SIZE_DEFAULT, most=settings.PAGE_SIZE_LIMIT)
    cursor = query.parameters.get("cursor")
    after = None if cursor is None else order.read(cursor)
    if after is None and cursor is not None:
        query.refuse("'cursor' must be taken from the Link header of the same list.")
    query.refuse_faults()
    return limit, after


def _cut(
    request: Request, order: _Order, rows: list[Row], limit: int
) -> tuple[list[Row], dict[str, str]]:
    if len(rows) <= limit:
        return rows, {}
    return rows[:limit], {"Link": _next(request, order.write(rows[limit - 1]))}


def _next(request: Request, cursor: str) -> str:
    kept = [(name, value) for name, value in request.query_params.items() if name != "cursor"]
    # A colon, which each cursor has, may stand in a query (RFC 3986, 3.4).
    query = urlencode([*kept, ("cursor", cursor)], safe=":")
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

    def read(self, cursor: str) -> list[Any] | None:
        """Return the values of the row that the place is after; None if it is no cursor of ours."""
        try:
            stored = self.signer.unsign_object(cursor)
        except signing.BadSignature:
            return None
        fields: list[Any] = [self.model._meta.get_field(name) for name, _ in self.columns]
        return [field.to_python(value) for field, value in zip(fields, stored, strict=True)]

    def condition(self, values: list[Any]) -> Q:
        """Return the condition for rows after the one that has these values."""
        after, same = Q(), Q()
        for (name, descending), value in zip(self.columns, values, strict=True):
            after |= same & Q((f"{name}__{'lt' if descending else 'gt'}", value))
            same &= Q((name, value))
        return after


@cache
def _order(model: Any, key: tuple[str, ...]) -> _Order:
    """Return the order, made once: its signer costs more to make than to use."""
    return _Order(model, key)


def _plain(value: Any) -> str | int:
    if isinstance(value, date):  # a datetime is one
        return value.isoformat()
    return value if isinstance(value, int) else str(value)
