"""What the demo sends: the documentation's own examples, and what it asks to be predicted."""

from __future__ import annotations

from models_registry.api.openapi.examples import CREATE_MODEL, UPDATE_MODEL

__all__ = ["CREATE_MODEL", "FEATURES", "UPDATE_MODEL"]

FEATURES = [0.5, 118.2, 884.6]
