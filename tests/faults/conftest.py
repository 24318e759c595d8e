"""A Lambda that fails as it is told, in the place of the real one, and jobs that wait for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from pytest_django import Settings

from models_registry.models import Job
from tests.factories import ask_training
from tests.faulty_lambda import FaultyLambda


@pytest.fixture
def faulty(settings: Settings) -> Iterator[FaultyLambda]:
    with FaultyLambda() as fake:
        settings.LAMBDA_ENDPOINT_URL = fake.url
        yield fake


@pytest.fixture
def make_pending(model) -> Callable[[int], None]:
    """Make so many training jobs, of which nobody was told."""

    def make(count: int) -> None:
        ask_training(model.pk)
        names = [field.column for field in Job._meta.concrete_fields]
        values = ["gen_random_uuid()" if name == "id" else f'"{name}"' for name in names]
        columns = ", ".join(f'"{name}"' for name in names)
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {Job._meta.db_table} ({columns}) SELECT {', '.join(values)}"
                f" FROM {Job._meta.db_table}, generate_series(2, {count})"
            )

    return make
