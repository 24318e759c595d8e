"""Registers the staff's pages; Django's admin looks for them here."""

from __future__ import annotations

from config.staff import (
    audit,
    jobs,
    log,
    models,
    people,
    revalidations,
    subscriptions,
    triggers,
    versions,
)

__all__ = [
    "audit",
    "jobs",
    "log",
    "models",
    "people",
    "revalidations",
    "subscriptions",
    "triggers",
    "versions",
]
