"""What the audit log holds, for tests of it."""

from __future__ import annotations

from models_registry.models import AuditEntry


def actions() -> list[str]:
    """Return what was done, the oldest first."""
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def last() -> AuditEntry:
    return AuditEntry.objects.order_by("-id")[0]
