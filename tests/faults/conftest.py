"""A Lambda that fails as it is told, in the place of the real one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.faulty_lambda import FaultyLambda


@pytest.fixture
def faulty(settings: Settings) -> Iterator[FaultyLambda]:
    with FaultyLambda() as fake:
        settings.LAMBDA_ENDPOINT_URL = fake.url
        yield fake
