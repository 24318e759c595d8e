"""What staff may do: each action says first what will happen, then calls one service."""

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

from config.staff.addresses import list_url, page_url
from config.staff.services.action_log import record_outcome, record_request
from models_registry.errors import DomainError

FAULTS_SHOWN = 5

Row = TypeVar("Row", bound=Model)


class StaffAction(ABC, Generic[Row]):
    """One thing that staff may do to a row.

    `name` is part of the address, `label` stands on the button, `permission` is what it takes,
    such as "models_registry.operate_job".
    """

    name: ClassVar[str]
    label: ClassVar[str]
    permission: ClassVar[str]
    is_dangerous: ClassVar[bool] = False

    def is_offered(self, row: Row) -> bool:
        """Whether it makes sense for the row as it is; the service decides in the end."""
        return True

    @abstractmethod
    def foresee(self, row: Row) -> Iterable[str]:
        """Say what will happen, in sentences; reads only."""

    @abstractmethod
    def carry_out(self, row: Row) -> str:
        """Make the one service call and say what happened. May raise any DomainError."""

    def page_after(self, row: Row) -> str:
        """Return where to go on afterwards: the row's own page."""
        return page_url(row)


def act(
    site: AdminSite, request: HttpRequest, action: StaffAction[Any], row: Model
) -> HttpResponse:
    """Show what `action` would do (GET), or do it, keep who did what, and go on (POST)."""
    if not request.user.has_perm(action.permission):
        raise PermissionDenied
    if request.method == "POST":
        _carry_out(request, action, row)
        return HttpResponseRedirect(action.page_after(row))
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
        "foreseen": list(action.foresee(row)),
        "back": action.page_after(row),
    }
    return TemplateResponse(request, "staff/confirm.html", context)


def _carry_out(request: HttpRequest, action: StaffAction[Any], row: Model) -> None:
    """Do it, and show and keep its outcome."""
    entry = record_request(user_id=int(request.user.pk or 0), row=row, label=action.label)
    try:
        said = action.carry_out(row)
    except DomainError as error:
        faults = [f"{fault.path}: {fault.message}" for fault in error.faults[:FAULTS_SHOWN]]
        said = " ".join([error.message, *faults])
        messages.error(request, said)
        record_outcome(entry=entry, outcome=f"{action.label}: refused. {said}")
    else:
        messages.success(request, said)
        record_outcome(entry=entry, outcome=f"{action.label}: done. {said}")
