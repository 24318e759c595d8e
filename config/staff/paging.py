"""Bounded counts and pagination for tables of any size."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.views.main import PAGE_VAR
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.views import ChangeList

# Nobody pages further by hand; a filter or a search narrows the list instead.
COUNT_LIMIT = 1000


class Count(int):
    """A number of rows; above the limit it shows as "1000+"."""

    def __str__(self) -> str:
        return f"{COUNT_LIMIT}+" if self > COUNT_LIMIT else super().__str__()

    def __format__(self, spec: str) -> str:
        return str(self)


def count_bounded(rows: QuerySet[Any]) -> Count:
    """Count `rows`, up to COUNT_LIMIT + 1."""
    return Count(rows.order_by()[: COUNT_LIMIT + 1].count())


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Pages through the first COUNT_LIMIT rows of a list; never counts or skips more."""

    @cached_property
    def found(self) -> Count:
        rows: Any = self.object_list
        return count_bounded(rows)

    @cached_property
    def count(self) -> int:
        return min(int(self.found), COUNT_LIMIT)


class BoundedChangeList(ChangeList):  # type: ignore[misc]
    """A change list with a bounded count, and links to the previous and next page."""

    found: Count

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request, *args, **kwargs)
        return rows.defer(*self.model_admin.list_deferred)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.found = self.paginator.found

    @property
    def previous_page(self) -> str:
        return str(self.get_query_string({PAGE_VAR: self.page_num - 1}))

    @property
    def next_page(self) -> str:
        return str(self.get_query_string({PAGE_VAR: self.page_num + 1}))
