"""What a caller may do: nothing that a view has not declared."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import MethodNotAllowed, NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from models_registry.api.principals import SCOPES, Principal

# The one message of 401. Why a token was refused is for the log, not for whoever forged it.
NEEDS_TOKEN = "This needs a valid bearer token."  # noqa: S105 (a text, not a secret)
PUBLIC = "public"
_ONE = frozenset({*SCOPES, PUBLIC})


def declared_scope(view: Any) -> str | tuple[str, ...] | None:
    """Return what `view` declares for the operation at hand: a scope, "public", or None.

    A view declares by a class attribute: `scopes = {"list": "read_models", "health": "public"}`,
    keyed by action. A tuple lets the bearer of any of its scopes in, and the view asks for the
    right one when it knows which (`ApiViewSet.require`). A misspelt scope
    counts as none.
    """
    try:
        scope = view.scopes.get(view.action)
    except AttributeError:
        return None
    if isinstance(scope, tuple):
        return scope if scope and set(scope) <= set(SCOPES) else None
    return scope if isinstance(scope, str) and scope in _ONE else None


class HasDeclaredScope(BasePermission):
    """Lets a caller through who holds the scope that the view declares for the operation.

    No declaration, no entry, not even for an admin. The bearer of a job's callback token may
    complete that job and do nothing else.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.method not in view.allowed_methods:
            # Ahead of 401 and 403: that the method does not exist is no secret (RFC 9110, 15.5.6).
            raise MethodNotAllowed(str(request.method))
        scope = declared_scope(view)
        if scope == PUBLIC:
            return True
        principal = request.user
        if not isinstance(principal, Principal):
            raise NotAuthenticated(NEEDS_TOKEN)
        if scope is None:
            return False
        if scope == "complete_jobs":
            may = principal.may_complete(view.kwargs.get("job_id"))
        else:
            may = (
                any(map(principal.may, scope)) if isinstance(scope, tuple) else principal.may(scope)
            )
        if not may:
            raise PermissionDenied(f"This needs the scope {_named(scope)}.")
        return True


def _named(scope: str | tuple[str, ...]) -> str:
    """Return "'a' or 'b'"."""
    return " or ".join(f"'{each}'" for each in ((scope,) if isinstance(scope, str) else scope))
