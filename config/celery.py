"""The Celery application that workers and beat run."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def make_app(name: str, *, current: bool = False) -> Celery:
    """Return an application with the settings' configuration and every app's tasks."""
    made = Celery(name, set_as_current=current)
    made.config_from_object("django.conf:settings", namespace="CELERY")
    made.autodiscover_tasks()
    return made


app = make_app("modelpact", current=True)
