"""Serializer fields for a model's handlers and their contracts."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.settings import api_settings

from models_registry.api.fields import JSONObjectField, StrictSerializer
from models_registry.api.openapi.components import ref
from models_registry.contracts.strict_json import token
from models_registry.errors import Fault
from models_registry.handlers import check_handler


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


@extend_schema_field(ref("Handlers"))
class HandlersField(StrictSerializer):
    """The handler of each action."""

    training = HandlerField()
    inference = HandlerField()


class SchemaField(JSONObjectField):
    """A JSON Schema (Draft 2020-12) document; what is wrong inside it is found later, as 422."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        # Too deep is one of the faults that are found later.
        if not isinstance(data, dict):
            self.fail("invalid")
        return data


class ContractField(StrictSerializer):
    """What goes into and comes out of one action."""

    input_schema = SchemaField(required=False)
    output_schema = SchemaField(required=False)


@extend_schema_field(ref("HandlerContracts"))
class HandlerContractsField(StrictSerializer):
    """The contract of each action."""

    training = ContractField(required=False)
    inference = ContractField(required=False)


def _by_member(faults: list[Fault]) -> dict[str, list[str]]:
    """Return faults of an object, or of its members, in the shape of a ValidationError."""
    detail: dict[str, list[str]] = {}
    for path, message in faults:
        name = token(path[1:]) if path else api_settings.NON_FIELD_ERRORS_KEY
        detail.setdefault(name, []).append(message)
    return detail
