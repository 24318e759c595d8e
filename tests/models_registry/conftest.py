"""What several tests of the registry use."""

from __future__ import annotations

import pytest

from models_registry.models import AuditEntry


@pytest.fixture
def forgotten(active_model) -> None:
    """The example model, active, with an empty audit log."""
    AuditEntry.objects.all().delete()
