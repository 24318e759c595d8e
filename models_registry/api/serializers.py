"""The bodies that the registry's operations take; unknown fields and wrong types are refused."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.settings import api_settings

from models_registry.api.fields import (
    IdField,
    JSONObjectField,
    NameField,
    StrictBooleanField,
    StrictChoiceField,
    StrictSerializer,
    TextField,
)
from models_registry.api.openapi.components import ref
from models_registry.contracts.strict_json import token
from models_registry.errors import Fault
from models_registry.handlers import check_handler
from models_registry.models import JobStatus, VersionStatus
from models_registry.services.definitions import check_definition


@extend_schema_field(ref("Handler"))
class HandlerField(serializers.Field):  # type: ignore[type-arg]
    """How one action is run; its shape depends on `type`."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        malformed, _ = check_handler(data)
        if malformed:
            raise serializers.ValidationError(_by_member(malformed))
        handler: dict[str, Any] = data
        return handler

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_serializer(component_name="Handlers")
class HandlersField(StrictSerializer):
    """The handler of each action."""

    training = HandlerField()
    inference = HandlerField()


class SchemaField(JSONObjectField):
    """A JSON Schema (Draft 2020-12) document; what is wrong inside it is found later, as 422."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(help_text="JSON Schema, Draft 2020-12.", **kwargs)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        # Too deep is one of the faults that are found later.
        if not isinstance(data, dict):
            self.fail("invalid")
        return data


@extend_schema_serializer(component_name="Contract")
class ContractField(StrictSerializer):
    """What goes into and comes out of an action."""

    input_schema = SchemaField(required=False)
    output_schema = SchemaField(required=False)


@extend_schema_serializer(component_name="HandlerContracts")
class HandlerContractsField(StrictSerializer):
    """The contract of each action."""

    training = ContractField(required=False)
    inference = ContractField(required=False)


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


def _by_member(faults: list[Fault]) -> dict[str, list[str]]:
    """Return faults of an object, or of its members, in the shape of a ValidationError."""
    detail: dict[str, list[str]] = {}
    for path, message in faults:
        name = token(path[1:]) if path else api_settings.NON_FIELD_ERRORS_KEY
        detail.setdefault(name, []).append(message)
    return detail
