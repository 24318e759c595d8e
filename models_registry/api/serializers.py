"""The bodies that the registry's operations take; unknown fields and wrong types are refused."""

from __future__ import annotations

from typing import Any

from models_registry.api.fields import (
    IdField,
    JSONObjectField,
    NameField,
    StrictBooleanField,
    StrictChoiceField,
    StrictSerializer,
    TextField,
)
from models_registry.api.handler_fields import HandlerContractsField, HandlersField
from models_registry.models import JobStatus, VersionStatus
from models_registry.services.definitions import check_definition


class DefinitionRequest(StrictSerializer):
    """Handlers and contracts of a model; absent or null `handler_contracts` means none."""

    handlers = HandlersField()
    handler_contracts = HandlerContractsField(required=False, allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        handlers, contracts = attrs.pop("handlers"), attrs.pop("handler_contracts")
        attrs["definition"] = check_definition(handlers=handlers, handler_contracts=contracts)
        return attrs


class UpdateModelRequest(DefinitionRequest):
    """New values of a model; absent or null `handler_contracts` means none."""

    name = NameField()
    description = TextField()
    metadata = JSONObjectField()


class CreateModelRequest(UpdateModelRequest):
    """A new model; without an `id` it gets a UUIDv7."""

    id = IdField(source="model_id", required=False, default=None)


class CreateVersionRequest(StrictSerializer):
    """A version named by hand."""

    version = IdField()
    description = TextField()
    metadata = JSONObjectField()


class SetStatusRequest(StrictSerializer):
    """The status that a version is to have."""

    status = StrictChoiceField(choices=VersionStatus.choices)


class EmptyRequest(StrictSerializer):
    """An object without members: the path says everything."""


class TrainRequest(StrictSerializer):
    """What the training handler is given; {} when absent."""

    input = JSONObjectField(required=False, default=dict)


class InferRequest(StrictSerializer):
    """What the inference handler is given, and whether to replay it after each training."""

    input = JSONObjectField()
    subscribe = StrictBooleanField(source="remember", required=False, default=False)


class CompleteJobRequest(StrictSerializer):
    """How a job ended."""

    status = StrictChoiceField(choices=[JobStatus.SUCCESS.value, JobStatus.FAILURE.value])
    output = JSONObjectField(required=False, default=None)
    error = JSONObjectField(required=False, default=None)
