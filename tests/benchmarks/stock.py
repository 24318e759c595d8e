"""What is measured on: many models, and subscriptions to one of them, copied inside PostgreSQL."""

from __future__ import annotations

from typing import Any

from django.db import connection

from models_registry.models import Model, ModelVersion, new_id
from subscriptions.models import EventSubscription
from tests import factories
from tests.benchmarks.names import MODELS


def make_models(count: int = MODELS, *, first: int = 0) -> None:
    """Make active models of one version each, with the contracts of the update example."""
    contracts = factories.examples.update_model()["handler_contracts"]
    template = Model.objects.filter(pk="template").first() or factories.make_active_model(
        "template", handler_contracts=contracts
    )
    name = f"'m' || lpad((n + {first})::text, 6, '0')"
    with connection.cursor() as cursor:
        own = {"id": name, "current_version_id": "NULL"}
        copy_row(cursor, Model, template.pk, own, count)
        of_model = {"id": None, "model_id": name}
        copy_row(cursor, ModelVersion, template.current_version_id, of_model, count)
        cursor.execute(
            "UPDATE models_registry_model m SET current_version_id = v.id"
            " FROM models_registry_modelversion v"
            " WHERE v.model_id = m.id AND m.current_version_id IS NULL"
        )
        _look_over(cursor, Model, ModelVersion)


def make_subscriptions(
    target: str,
    count: int,
    *,
    source: str | None = None,
    trigger_event: str = "training_complete",
) -> None:
    """Make active subscriptions that replay a stored payload to `target` on an event."""
    source = source or factories.make_active_model(f"{target}-source").pk
    payload = {"features": [number / 10 for number in range(30)]}
    template = factories.make_subscription(
        source,
        target,
        trigger_event=trigger_event,
        input_source="stored",
        target_action="inference",
        input=payload,
    )
    with connection.cursor() as cursor:
        # A million rows take longer than a request may.
        cursor.execute("SET statement_timeout TO 0")
        copy_row(cursor, EventSubscription, template.pk, {"id": "gen_random_uuid()"}, count - 1)
        _look_over(cursor, EventSubscription)
        cursor.execute("RESET statement_timeout")


def _look_over(cursor: Any, *models: Any) -> None:
    """Have PostgreSQL look over what was filled, as it does by itself in time.

    Not over what is empty: it would plan statements for tables that stay so, and connections keep
    such plans while the tables grow.
    """
    cursor.execute(f"VACUUM ANALYZE {', '.join(model._meta.db_table for model in models)}")


def copy_row(cursor: Any, model: Any, key: Any, own: dict[str, str | None], count: int) -> None:
    """Insert `count` copies of a row; `own` are columns with an expression over n, or left out."""
    columns = [field.column for field in model._meta.concrete_fields]
    columns = [name for name in columns if own.get(name, "") is not None]
    values = [own.get(name) or f"old.{name}" for name in columns]
    table = model._meta.db_table
    cursor.execute("SET statement_timeout TO 0")  # far longer than any statement of the service
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)}"
        f" FROM {table} old, generate_series(0, %s - 1) n WHERE old.id = %s",
        [count, key],
    )


def make_jobs(model: str, count: int) -> None:
    """Make inference jobs of a model's current version that wait to be dispatched."""
    from datetime import timedelta

    from django.utils import timezone

    from models_registry.models import Job

    version = Model.objects.get(pk=model).current_version
    assert version is not None
    now = timezone.now() - timedelta(seconds=1)
    Job.objects.bulk_create(
        Job(
            id=new_id(),
            model_id=model,
            version=version,
            job_type="inference",
            origin="manual",
            input={"features": [1, 2]},
            due_at=now,
            created_at=now,
        )
        for _ in range(count)
    )
