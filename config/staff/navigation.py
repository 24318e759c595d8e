"""The navigation beside every staff page; a user sees what the user may open."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse


class Item(NamedTuple):
    """One link: `page` is the name of an address, `permission` what it takes (None: any staff)."""

    title: str
    icon: str
    page: str
    permission: str | None = None


class Group(NamedTuple):
    title: str
    items: tuple[Item, ...]


def _list(title: str, icon: str, app: str, model: str) -> Item:
    """Return the link to a model's list, for those who may view its rows."""
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
        "Chains",
        (
            Item("Picture", "account_tree", "admin:chains", "subscriptions.view_eventsubscription"),
            _list("Subscriptions", "sync_alt", "subscriptions", "eventsubscription"),
            _list("Triggers", "bolt", "subscriptions", "trigger"),
            _list("Revalidations", "rule", "subscriptions", "revalidation"),
        ),
    ),
    Group(
        "Staff",
        (
            _list("Audit log", "fact_check", "models_registry", "auditentry"),
            _list("What staff did", "history", "admin", "logentry"),
            _list("Users", "person", "auth", "user"),
            _list("Groups", "group", "auth", "group"),
        ),
    ),
    Group("API", (Item("Try it out", "terminal", "docs"), Item("Reference", "menu_book", "redoc"))),
)


def shown_to(request: HttpRequest, group: Group) -> dict[str, Any]:
    """Return a group in the theme's form, with the links that the user may follow."""
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
