"""The base classes of all admin lists and row pages: read-only, and changed only by actions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin

from config.staff.actions import StaffAction, act
from config.staff.formatting import NOTHING, badge, link, moment, pretty
from config.staff.links import act_url, list_url
from config.staff.paging import BoundedChangeList, BoundedPaginator
from models_registry.db.json_field import JSONTextField

STATUS_FIELDS = ("status", "state")


class StaffList(ModelAdmin):  # type: ignore[misc]
    """A list that stays fast in a table of any size."""

    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    paginator = BoundedPaginator
    change_list_template = "staff/change_list.html"
    actions = None
    # A click on a column header would sort the whole table.
    sortable_by = ()
    # Large columns that the list does not show: payloads, contracts. Fifty of them are megabytes.
    list_deferred: ClassVar[tuple[str, ...]] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BoundedChangeList]:
        return BoundedChangeList


class StaffModelAdmin(StaffList):
    """A read-only admin: a save here would bypass the services.

    `staff_actions` have a button on a row's page; each asks for confirmation and calls one service.
    `page_template` renders the row's page from what `page_context()` returns.
    """

    staff_actions: ClassVar[tuple[StaffAction[Any], ...]] = ()
    page_template: ClassVar[str] = "staff/row.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def search(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        """Return the rows that `words` names; must use an index."""
        raise NotImplementedError

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        words = search_term.strip().replace("\0", "")
        return (self.search(queryset, words) if words else queryset), False

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<path:object_id>/act/<slug:name>/",
                self.admin_site.admin_view(self.act_view),
                name=f"{self.opts.app_label}_{self.opts.model_name}_act",
            ),
            *super().get_urls(),
        ]

    def find(self, request: HttpRequest, object_id: str) -> Any:
        """Return the row if the user may see it; else 403 or 404."""
        row = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None:
            raise Http404
        return row

    def act_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Ask for confirmation of an action (GET), or perform it (POST)."""
        action = next((each for each in self.staff_actions if each.name == name), None)
        if action is None:
            raise Http404
        return act(self.admin_site, request, action, self.find(request, object_id))

    def available_actions(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """Return the actions that this user may perform on `row` now, each with its URL."""
        return [
            {"action": action, "url": act_url(row, action.name)}
            for action in self.staff_actions
            if request.user.has_perm(action.permission) and action.is_available(row)
        ]

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return the context of `page_template`, without the actions."""
        return {"fields": fields_of(row, self.admin_site.is_registered)}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        if object_id is None or request.method != "GET":
            return super().changeform_view(request, object_id, form_url, extra_context)
        row = self.find(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": str(row),
            "crumbs": [
                {
                    "title": str(self.opts.verbose_name_plural).capitalize(),
                    "url": list_url(self.model),
                }
            ],
            "opts": self.opts,
            "original": row,
            "row": row,
            "available_actions": self.available_actions(request, row),
            **self.page_context(request, row),
        }
        return TemplateResponse(request, self.page_template, context)


def as_uuid(words: str) -> UUID | None:
    """Parse a UUID; None if it is invalid."""
    try:
        return UUID(words)
    except ValueError:
        return None


def fields_of(row: Model, has_page: Any) -> list[dict[str, Any]]:
    """Return the name and value of each field; JSON has a key of its own, for a code block.

    `has_page` says whether the rows of a model have a page to link to.
    """
    return [_field(row, field, has_page) for field in row._meta.concrete_fields]


def _field(row: Model, field: Any, has_page: Any) -> dict[str, Any]:
    name = str(field.verbose_name).capitalize()
    value = field.value_from_object(row)
    if isinstance(field, JSONTextField) and value is not None:
        return {"name": name, "json": pretty(value)}
    return {"name": name, "value": _value(row, field, value, has_page)}


def _value(row: Model, field: Any, value: Any, has_page: Any) -> Any:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(field, ForeignKey):
        other = getattr(row, field.name)
        return link(other) if has_page(type(other)) else other
    return badge(str(value)) if field.name in STATUS_FIELDS else value
