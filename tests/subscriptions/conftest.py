"""Models to subscribe to each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models_registry.models import Job, Model
from models_registry.services.completion import complete_job
from models_registry.services.definitions import check_definition
from models_registry.services.jobs import request_inference, request_training
from models_registry.services.models import register_model, update_model
from models_registry.services.versions import set_version_status
from subscriptions.models import EventSubscription
from subscriptions.revalidation import chunks
from subscriptions.services.subscribing import subscribe

NUMBERS = {"type": "object", "properties": {"features": {"type": "array"}}}


@pytest.fixture
def make_model(db) -> Callable[..., Model]:
    """Register a model by id, active unless told otherwise, with these contracts."""

    def make(model_id: str, *, active: bool = True, contracts: Any = None) -> Model:
        definition = define(model_id, contracts)
        register_model(
            model_id=model_id, name=model_id, description="", metadata={}, definition=definition
        )
        if active:
            set_version_status(model_id=model_id, version="1", status="active")
        return Model.objects.get(pk=model_id)

    return make


@pytest.fixture
def b(make_model: Callable[..., Model]) -> Model:
    """A model to subscribe to, beside one, "a", that may be its source."""
    make_model("a")
    return make_model("b")


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make chunks of two payloads."""
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 2)


def define(model_id: str, contracts: Any = None, *, handler: str | None = None) -> Any:
    """Check the definition of a model whose functions bear its name, or that of `handler`."""
    handler = f"arn:aws:lambda:us-west-2:123456789012:function:{handler or model_id}"
    handlers = {
        action: {"type": "lambda", "arn": f"{handler}-{action}"}
        for action in ("training", "inference")
    }
    return check_definition(handlers=handlers, handler_contracts=contracts)


def update(model_id: str, contracts: Any, *, handler: str | None = None) -> None:
    """Update a model's contracts, and its functions if they are another `handler`'s."""
    update_model(
        model_id=model_id,
        name=model_id,
        description="",
        metadata={},
        definition=define(model_id, contracts, handler=handler),
    )


def link(source: str, target: str, **values: Any) -> EventSubscription:
    """Subscribe; by default to inference_complete, running inference with a stored input."""
    stored = values.get("input_source", "stored") == "stored"
    defaults = {
        "trigger_event": "inference_complete",
        "target_action": "inference",
        "input_source": "stored",
        "input": {"features": [1]} if stored else None,
        "label": None,
    }
    return subscribe(source_id=source, target_model_id=target, **{**defaults, **values})


def run(model_id: str, action: str = "inference", output: Any = None) -> Job:
    """Have a job of a model's version 1 succeed."""
    request = request_inference if action == "inference" else request_training
    job = request(model_id=model_id, version="1", input={})
    return finish(job, output)


def finish(job: Job, output: Any = None) -> Job:
    """Have a job succeed."""
    return complete_job(
        model_id=job.model_id,
        version=job.version.version,
        job_id=job.pk,
        status="success",
        output={"predictions": [2]} if output is None else output,
        error=None,
    )
