"""Staff actions: each one shows its effects for confirmation, then calls one service."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, Generic, TypeVar

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse

from config.staff.links import list_url, page_url
from config.staff.services.action_log import record_outcome, record_request
from models_registry.errors import DomainError

FAULTS_SHOWN = 5

Row = TypeVar("Row", bound=Model)


class StaffAction(ABC, Generic[Row]):
    """An action on a row.

    `name` is part of the URL, `label` is the text of the button, `permission` is required,
    such as "models_registry.operate_job".
    """

    name: ClassVar[str]
    label: ClassVar[str]
    permission: ClassVar[str]
    is_dangerous: ClassVar[bool] = False

    def is_available(self, row: Row) -> bool:
        """Whether the action makes sense for the row now; the service has the last word."""
        return True

    @abstractmethod
    def effects(self, row: Row) -> Iterable[str]:
        """Return what will happen, in sentences; only reads."""

    @abstractmethod
    def perform(self, row: Row) -> str:
        """Call the service and return what happened, in a sentence. May raise any DomainError."""

    def next_url(self, row: Row) -> str:
        """Return the URL to redirect to afterwards: the page of the row."""
        return page_url(row)


def act(
    site: AdminSite, request: HttpRequest, action: StaffAction[Any], row: Model
) -> HttpResponse:
    """Ask for confirmation (GET), or perform the action, log it and redirect (POST)."""
    if not request.user.has_perm(action.permission):
        raise PermissionDenied
    if request.method == "POST":
        _perform(request, action, row)
        return HttpResponseRedirect(action.next_url(row))
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET", "POST"])
    context = {
        **site.each_context(request),
        "title": action.label,
        "crumbs": [
            {
                "title": str(row._meta.verbose_name_plural).capitalize(),
                "url": list_url(type(row)),
            },
            {"title": str(row), "url": page_url(row)},
        ],
        "opts": row._meta,
        "original": row,
        "row": row,
        "action": action,
        "effects": list(action.effects(row)),
        "back": action.next_url(row),
    }
    return TemplateResponse(request, "staff/confirm.html", context)


def _perform(request: HttpRequest, action: StaffAction[Any], row: Model) -> None:
    """Perform the action, show its outcome and log it."""
    entry = record_request(user_id=int(request.user.pk or 0), row=row, label=action.label)
    try:
        outcome = action.perform(row)
    except DomainError as error:
        faults = [f"{fault.path}: {fault.message}" for fault in error.faults[:FAULTS_SHOWN]]
        outcome = " ".join([error.message, *faults])
        messages.error(request, outcome)
        record_outcome(entry=entry, outcome=f"{action.label}: refused. {outcome}")
    else:
        messages.success(request, outcome)
        record_outcome(entry=entry, outcome=f"{action.label}: done. {outcome}")
