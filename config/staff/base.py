"""What all lists and pages of rows share: they read, act through services, and never save."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin

from config.staff.actions import StaffAction, act
from config.staff.addresses import act_url, list_url, page_url
from config.staff.facts import facts_of
from config.staff.paging import BoundedChangeList, BoundedPaginator

__all__ = ["StaffList", "StaffModelAdmin", "act_url", "as_uuid", "list_url", "page_url"]


class StaffList(ModelAdmin):  # type: ignore[misc]
    """A list of rows that stays fast however many there are."""

    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    paginator = BoundedPaginator
    change_list_template = "staff/change_list.html"
    actions = None
    # A click on a column's head would sort the whole table.
    sortable_by = ()
    # What a list doesn't show and may be large: payloads, contracts. Fifty of them are megabytes.
    list_deferred: ClassVar[tuple[str, ...]] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BoundedChangeList]:
        return BoundedChangeList


class StaffModelAdmin(StaffList):
    """Shows rows and changes none: a save here would pass by the services.

    `staff_actions` are offered on a row's page; each asks for confirmation and calls one service.
    `page_template` is the row's page, given what `page_context()` returns.
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
        """Return the rows that `words` names; by an index, however many rows there are."""
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
        """Return the row that a path names, if the user may see it; else 403 or 404."""
        row = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None:
            raise Http404
        return row

    def act_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Show what an action would do (GET), or do it (POST)."""
        action = next((each for each in self.staff_actions if each.name == name), None)
        if action is None:
            raise Http404
        return act(self.admin_site, request, action, self.find(request, object_id))

    def offered(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """Return the actions that this user may take on `row` now, each with its address."""
        return [
            {"action": action, "url": act_url(row, action.name)}
            for action in self.staff_actions
            if request.user.has_perm(action.permission) and action.is_offered(row)
        ]

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return what `page_template` shows of `row`, beside its actions."""
        return {"facts": facts_of(row, self.admin_site.is_registered)}

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
            "offered": self.offered(request, row),
            **self.page_context(request, row),
        }
        return TemplateResponse(request, self.page_template, context)


def as_uuid(words: str) -> UUID | None:
    """Return the UUID that was typed; None when it is none."""
    try:
        return UUID(words)
    except ValueError:
        return None
