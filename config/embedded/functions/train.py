"""The training handler of the example without a contract; the same as `train_model`."""

from __future__ import annotations

from train_model import handler

__all__ = ["handler"]
