"""Registers the staff pages; Django's admin autodiscovery imports this module."""

from __future__ import annotations

from config.staff import audit, jobs, models, subscriptions, versions

__all__ = ["audit", "jobs", "models", "subscriptions", "versions"]
