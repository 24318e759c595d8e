"""The bodies that the subscriptions' operations take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models_registry.api.fields import (
    IdField,
    JSONObjectField,
    NameField,
    StrictBooleanField,
    StrictChoiceField,
    StrictSerializer,
)
from models_registry.models import Action
from subscriptions.models import InputSource, SubscriptionStatus, TriggerEvent


class SubscribeRequest(StrictSerializer):
    """A new subscription; `input` goes with `stored`, and only with it."""

    trigger_event = StrictChoiceField(choices=TriggerEvent.choices)
    target_model_id = IdField()
    target_action = StrictChoiceField(choices=Action.choices)
    input_source = StrictChoiceField(choices=InputSource.choices)
    input = JSONObjectField(required=False)
    label = NameField(required=False, allow_null=True, default=None)  # type: ignore[assignment]

    def faults_together(self, data: Mapping[str, Any]) -> dict[str, list[str]]:
        source = data.get("input_source")
        if source == InputSource.STORED and "input" not in data:
            return {"input": ["Required when input_source is stored."]}
        if source == InputSource.TRIGGER_OUTPUT and "input" in data:
            return {"input": ["Only for input_source stored."]}
        return {}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("input", None)
        return attrs


class AcceptSubscriptionsRequest(StrictSerializer):
    """Which of the stale subscriptions that run a model are to be accepted."""

    only_valid = StrictBooleanField(required=False, default=True)


class UpdateSubscriptionRequest(StrictSerializer):
    """What is to change; nothing is required."""

    input = JSONObjectField(required=False)
    label = NameField(required=False, allow_null=True)  # type: ignore[assignment]
    status = StrictChoiceField(choices=SubscriptionStatus.choices, required=False)
