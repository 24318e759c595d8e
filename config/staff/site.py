"""The admin site: its navigation, and the URLs of the dashboard and the graph."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.sites import UnfoldAdminSite

from config.staff import dashboard, graph


class Item(NamedTuple):
    """One link: `page` is a URL name, `permission` is required (None: any staff)."""

    title: str
    icon: str
    page: str
    permission: str | None = None


class Group(NamedTuple):
    title: str
    items: tuple[Item, ...]


def _list(title: str, icon: str, app: str, model: str) -> Item:
    """Return the link to a model's list, for users who may view its rows."""
    return Item(title, icon, f"admin:{app}_{model}_changelist", f"{app}.view_{model}")


GROUPS: tuple[Group, ...] = (
    Group("", (Item("Dashboard", "dashboard", "admin:index"),)),
    Group(
        "Registry",
        (
            _list("Models", "category", "models_registry", "model"),
            _list("Versions", "layers", "models_registry", "modelversion"),
            _list("Jobs", "play_circle", "models_registry", "job"),
        ),
    ),
    Group(
        "Event subscriptions",
        (
            Item("Graph", "account_tree", "admin:chains", "subscriptions.view_eventsubscription"),
            _list("Subscriptions", "sync_alt", "subscriptions", "eventsubscription"),
            _list("Triggers", "bolt", "subscriptions", "trigger"),
            _list("Revalidations", "rule", "subscriptions", "revalidation"),
        ),
    ),
    Group(
        "Staff",
        (
            _list("Audit log", "fact_check", "models_registry", "auditentry"),
            _list("Staff actions", "history", "admin", "logentry"),
            _list("Users", "person", "auth", "user"),
            _list("Groups", "group", "auth", "group"),
        ),
    ),
    Group(
        "Documentation",
        (
            Item("Guide", "help", "guide"),
            Item("Try the API", "terminal", "docs"),
            Item("API reference", "menu_book", "redoc"),
        ),
    ),
)


def shown_to(request: HttpRequest, group: Group) -> dict[str, Any]:
    """Return a group in the format of the theme, with the links that the user may follow."""
    items = [
        _link(request, item)
        for item in group.items
        if item.permission is None or request.user.has_perm(item.permission)
    ]
    return {"title": group.title, "items": items, "separator": False, "collapsible": False}


def _link(request: HttpRequest, item: Item) -> dict[str, Any]:
    link = reverse(item.page)
    home = item.page == "admin:index"
    is_here = request.path == link if home else request.path.startswith(link)
    return {
        "title": item.title,
        "icon": item.icon,
        "link": link,
        "active": is_here,
        "has_permission": True,
    }


class StaffSite(UnfoldAdminSite):  # type: ignore[misc]
    site_title = site_header = "Modelpact"

    def get_urls(self) -> list[URLPattern]:
        return [
            path("progress/", self.admin_view(self.progress), name="progress"),
            path("chains/", self.admin_view(self.graph), name="chains"),
            *super().get_urls(),
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {
            **super().each_context(request),
            "site_title": "Modelpact",
            "site_header": "Modelpact",
            "site_symbol": "hub",
            "site_url": None,
            "show_back_button": False,
        }

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Return the navigation that this user may see, in the format of the theme."""
        return [shown_to(request, group) for group in GROUPS]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            **self.each_context(request),
            "title": "Dashboard",
            **dashboard.context(request),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "staff/dashboard.html", context)

    def progress(self, request: HttpRequest) -> HttpResponse:
        """Return the progress of the running revalidations; the dashboard polls it."""
        return dashboard.progress(request)

    def graph(self, request: HttpRequest) -> HttpResponse:
        """Show models and subscriptions as a graph, and as a table."""
        context = {**self.each_context(request), **graph.context(request)}
        return TemplateResponse(request, "staff/graph.html", context)
