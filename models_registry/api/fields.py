"""The parts that request bodies are made of: they take what is meant, and turn nothing into it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cached_property
from itertools import islice
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.core.validators import RegexValidator
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from models_registry.api.paths import ID_RULE, UUID_PATTERN, UUID_RULE
from models_registry.contracts.strict_json import depth_of_value
from models_registry.errors import FAULTS_SOUGHT
from models_registry.json_types import ID_PATTERN

# C0 and C1 controls, line and paragraph separators, and what makes text run the other way: shown
# in a list, these let one name pass for another.
CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
# The same without tab, line feed, carriage return and the separators.
CONTROLS_IN_TEXT = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
UUID_FORM = re.compile(UUID_PATTERN)


class StrictSerializer(serializers.Serializer[Any]):
    """An object whose members are all known; each one that is not is named in the errors."""

    default_error_messages = {"invalid": "Must be an object."}

    def to_internal_value(self, data: Any) -> Any:
        faults = self._unknown(data)
        if isinstance(data, Mapping):
            faults |= self.faults_together(data)
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            detail = cast(dict[str, Any], error.detail)
            raise serializers.ValidationError({**faults, **detail}) from None
        if faults:
            raise serializers.ValidationError(faults)
        return value

    def faults_together(self, data: Mapping[str, Any]) -> dict[str, list[str]]:
        """Return what is wrong with members only because of others, by the member's name.

        Asked before each is judged by itself (`validate` is, after all are good), so that a
        caller hears of everything at once; `data` may hold anything.
        """
        return {}

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(str(field.field_name) for field in self._writable_fields)

    def _unknown(self, data: Any) -> dict[str, list[str]]:
        if not isinstance(data, Mapping):
            return {}
        unknown = (key for key in data if key not in self._known)
        return {key: ["There is no such field."] for key in islice(unknown, FAULTS_SOUGHT)}


class StrictSerializerExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Says in the OpenAPI document that a StrictSerializer takes no other members."""

    target_class = StrictSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> Any:
        # As drf-spectacular's own extensions do it.
        schema = auto_schema._map_basic_serializer(self.target, direction)  # noqa: SLF001
        for described in schema.get("properties", {}).values():
            # A text that may be empty would be described twice over.
            if described.get("oneOf", [])[1:] == [{"type": "string", "maxLength": 0}]:
                described.update(described.pop("oneOf")[0])
        return {**schema, "additionalProperties": False}


class StrictCharField(serializers.CharField):
    """A line of text, taken as it is."""

    default_error_messages = {"invalid": "Must be a string."}
    shape = RegexValidator(
        rf"^[^{CONTROLS}]*\Z",
        "Must not contain control characters, line breaks or marks that change the direction"
        " of text.",
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)
        self.validators.append(self.shape)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class NameField(StrictCharField):
    """What something is called: 1 to 200 characters, not all blank, normalised to NFC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_length": 1, "max_length": 200, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not text.strip():
            self.fail("blank")
        return unicodedata.normalize("NFC", text)


class TextField(StrictCharField):
    """Text of any number of lines, up to 10,000 characters; it may be empty."""

    shape = RegexValidator(
        rf"^[^{CONTROLS_IN_TEXT}]*\Z",
        "Must not contain control characters other than tabs and line breaks, or marks that"
        " change the direction of text.",
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 10_000, "allow_blank": True, **kwargs})


class IdField(StrictCharField):
    """An id that can stand in a path."""

    shape = RegexValidator(rf"^{ID_PATTERN}\Z", f"An id {ID_RULE}.")


@extend_schema_field(OpenApiTypes.OBJECT)
class JSONObjectField(serializers.Field[Any, Any, Any, Any]):
    """A free JSON object, taken as the parser gave it."""

    default_error_messages = {
        "invalid": "Must be an object.",
        "depth": "Must not nest deeper than {limit} levels.",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        if depth_of_value(data) > settings.JSON_DEPTH_LIMIT:
            self.fail("depth", limit=settings.JSON_DEPTH_LIMIT)
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class StrictBooleanField(serializers.BooleanField):
    """true or false; not 1, "true" or "on"."""

    default_error_messages = {"invalid": "Must be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class StrictChoiceField(serializers.ChoiceField):
    """One of some strings; the error names them, and not what was given instead."""

    default_error_messages = {"invalid_choice": "Must be one of: {choices}."}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or data not in self.choice_strings_to_values:
            self.fail("invalid_choice", choices=", ".join(self.choice_strings_to_values))
        return self.choice_strings_to_values[data]


class StrictUUIDField(serializers.UUIDField):
    """A UUID in its usual form, with hyphens."""

    default_error_messages = {"invalid": f"A UUID {UUID_RULE}."}

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str) or not UUID_FORM.fullmatch(data):
            self.fail("invalid")
        return UUID(data)
