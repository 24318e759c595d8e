"""The Celery application that workers and beat run."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, Task
from celery.signals import setup_logging, task_postrun, task_prerun, worker_process_shutdown
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


@setup_logging.connect
def leave_logging_alone(**_: Any) -> None:
    """Keep Celery from configuring logs: a receiver of this signal replaces its own setup."""


@task_prerun.connect
@task_postrun.connect
def give_connections_back(sender: Task[Any, Any], **_: Any) -> None:
    """Give this thread's database connections back to their pool, which checks them before use.

    Celery itself is told not to (CELERY_DB_REUSE_MAX): it would close the whole pool, and each
    message would pay for a new connection and for preparing its statements again.
    """
    if not sender.request.is_eager:
        for connection in connections.all(initialized_only=True):
            connection.close()


@worker_process_shutdown.connect
def publish_last_wakeups(**_: Any) -> None:
    """Publish a child's last wake-ups: it ends without running what is registered with `atexit`."""
    # Imported here: it needs Django's settings, which are read when the first app is made.
    from models_registry.queue.publisher import END_SECONDS
    from models_registry.queue.wakeups import publisher

    publisher.flush(END_SECONDS)


class WorkerTask(Task):  # type: ignore[type-arg]
    """A task whose changes the audit log attributes to the worker."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Imported here: it needs Django's settings, which are read when the first app is made.
        from models_registry.observability.actor import WORKER, acting

        with acting(WORKER):
            return super().__call__(*args, **kwargs)


def make_app(name: str, *, current: bool = False) -> Celery[Any]:
    """Return an application with the settings' configuration and every app's tasks."""
    made = Celery(name, set_as_current=current, task_cls=WorkerTask)
    made.config_from_object("django.conf:settings", namespace="CELERY")
    made.autodiscover_tasks()
    return made


app = make_app("modelpact", current=True)
