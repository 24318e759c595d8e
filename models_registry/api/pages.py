"""Lists in keyset pages: a page begins after the last row of the one before it.

Unlike with OFFSET, no row is skipped or repeated while others are inserted, and the last page
costs what the first does.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from typing import Any, TypeVar

import orjson
from django.conf import settings
from django.core import signing
from django.db.models import Model, Q, QuerySet
from django.utils.encoding import force_bytes
from rest_framework.request import Request

from models_registry.api.queries import Query

Row = TypeVar("Row")
Columns = TypeVar("Columns", bound=Sequence[Any])
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
    query = query or Query(request, PAGING)
    limit, after = _wanted(query, order)
    condition = Q() if after is None else order.condition(after)
    rows = list(queryset.filter(condition).order_by(*key)[: limit + 1])
    if len(rows) <= limit:
        return rows, {}
    return rows[:limit], _link(request, query, order.write(order.place_of(rows[limit - 1])))


def stored_page(
    request: Request, model: type[Model], read: Callable[[str, int], Sequence[Columns]]
) -> tuple[Sequence[Columns], dict[str, str]]:
    """Return a page of `model`'s rows in the order of their ids, as `page` does, from `read`.

    `read` is given the id after which the page begins, "" from the start, and how many rows; a
    row begins with its id.
    """
    order, query = _order(model, ("id",)), Query(request, PAGING)
    limit, after = _wanted(query, order)
    rows = read("" if after is None else after[0], limit + 1)
    if len(rows) <= limit:
        return rows, {}
    return rows[:limit], _link(request, query, order.write(rows[limit - 1][:1]))


def _wanted(query: Query, order: _Order) -> tuple[int, list[Any] | None]:
    """Return how many rows are asked for, and the place after which they begin."""
    limit = query.number("limit", default=settings.PAGE_SIZE_DEFAULT, most=settings.PAGE_SIZE_LIMIT)
    cursor = query.parameters.get("cursor")
    after = None if cursor is None else order.read(cursor)
    if after is None and cursor is not None:
        query.refuse("'cursor' must be taken from the Link header of the same list.")
    query.refuse_faults()
    return limit, after


def _link(request: Request, query: Query, cursor: str) -> dict[str, str]:
    address = request.build_absolute_uri(request.path)
    return {"Link": f'<{address}?{query.with_cursor(cursor)}>; rel="next"'}


class _Order:
    """An order of rows, and the cursors that name a place in it.

    A cursor is signed, so that its values can be trusted to be ones that a row had, and salted
    with the order, so that it is good for lists in this order only.
    """

    def __init__(self, model: type[Model], key: Sequence[str]) -> None:
        self.model = model
        self.columns = [(name.lstrip("-"), name.startswith("-")) for name in key]
        self.signer = _Signer(salt=f"page:{model._meta.label_lower}:{','.join(key)}")

    def place_of(self, row: Any) -> list[Any]:
        """Return the values by which a row, a model instance or a dict, has its place."""
        return [
            row[name] if isinstance(row, dict) else getattr(row, name) for name, _ in self.columns
        ]

    def write(self, values: Sequence[Any]) -> str:
        """Return the cursor of the place after the row that has these values."""
        return self.signer.sign_object([_plain(value) for value in values], _Json)

    def read(self, cursor: str) -> list[Any] | None:
        """Return the values of the row that the place is after; None if it is no cursor of ours."""
        try:
            stored = self.signer.unsign_object(cursor, _Json)
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


class _Json:
    """How values are written in a cursor."""

    dumps, loads = staticmethod(orjson.dumps), staticmethod(orjson.loads)


class _Signer(signing.Signer):
    """Django's, which makes the key for its salt once; that is most of what a signature costs."""

    def __init__(self, *, salt: str) -> None:
        super().__init__(salt=salt)
        self._own = hashlib.sha256(force_bytes(f"{salt}signer") + force_bytes(self.key)).digest()

    def signature(self, value: str | bytes, key: str | bytes | None = None) -> str:
        if key not in (None, self.key):  # a key of before
            return super().signature(value, key)
        signed = hmac.digest(self._own, force_bytes(value), "sha256")
        return signing.b64_encode(signed).decode()


@cache
def _order(model: Any, key: tuple[str, ...]) -> _Order:
    """Return the order, made once: its signer costs more to make than to use."""
    return _Order(model, key)


def _plain(value: Any) -> str | int:
    if isinstance(value, date):  # a datetime is one
        return value.isoformat()
    return value if isinstance(value, int) else str(value)
