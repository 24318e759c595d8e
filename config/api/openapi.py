"""How drf-spectacular describes the operations."""

from __future__ import annotations

from drf_spectacular.openapi import AutoSchema


class OperationSchema(AutoSchema):
    """How an operation is described."""
