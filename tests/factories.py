"""Models as tests need them, made by the services that callers reach, never by the ORM."""

from __future__ import annotations

from typing import Any, cast

from models_registry.models import Job, Model, ModelValues, ModelVersion
from models_registry.services.definitions import Definition, check_definition
from models_registry.services.jobs import request_inference, request_training
from models_registry.services.models import register_model, update_model
from models_registry.services.versions import set_version_status
from subscriptions.models import EventSubscription
from subscriptions.services.subscribing import subscribe
from tests import examples


def values(body: dict[str, Any]) -> ModelValues:
    """Return what of a body is a column of the model beside handlers and contracts."""
    columns = ModelValues.__annotations__.keys() & body.keys()
    return cast("ModelValues", {name: body[name] for name in columns})


def definition(**changed: Any) -> Definition:
    """Check the handlers and contracts of the update example, some of them changed."""
    body = examples.update_model(**changed)
    return check_definition(handlers=body["handlers"], handler_contracts=body["handler_contracts"])


def make_model(model_id: str | None = examples.MODEL_ID, **changed: Any) -> Model:
    """Register the createModel example; `changed` replaces fields of its body."""
    body = examples.create_model(**changed)
    model, _ = register_model(
        model_id=model_id,
        **values(body),
        definition=check_definition(
            handlers=body["handlers"], handler_contracts=body.get("handler_contracts")
        ),
    )
    return model


def make_active_model(model_id: str | None = examples.MODEL_ID, **changed: Any) -> Model:
    """Register it and make its version "1" active by hand, which fires nothing."""
    model = make_model(model_id, **changed)
    return set_version_status(model_id=model.pk, version="1", status="active").model


def change_model(model_id: str = examples.MODEL_ID, **changed: Any) -> ModelVersion:
    """Update a model with the updateModel example; `changed` replaces fields of its body."""
    body = examples.update_model(**changed)
    _, version = update_model(
        model_id=model_id,
        **values(body),
        definition=definition(**changed),
    )
    return version


def ask_training(model_id: str = examples.MODEL_ID, version: str = "1", **input: Any) -> Job:
    return request_training(model_id=model_id, version=version, input=input)


def ask_inference(model_id: str = examples.MODEL_ID, version: str = "1", **input: Any) -> Job:
    return request_inference(model_id=model_id, version=version, input=input)


def make_subscription(source_id: str, target_model_id: str, **changed: Any) -> EventSubscription:
    """Subscribe as the example does; `changed` replaces fields of its body."""
    body = examples.subscribe(target_model_id=target_model_id, **changed)
    if body["input_source"] == "trigger_output":
        body["input"] = None
    return subscribe(source_id=source_id, **body)
