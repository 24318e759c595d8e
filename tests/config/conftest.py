"""Fixtures for what DRF is given."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.issuer import FakeIssuer, rsa_key


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    fake = FakeIssuer(rsa_key("k1"))
    yield fake
    fake.close()
