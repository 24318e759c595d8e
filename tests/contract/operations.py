"""Every operation of the URL map, with a request that would succeed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.urls import URLPattern, URLResolver, get_resolver

from models_registry.api.viewset import ApiViewSet
from tests import examples

MODEL = examples.MODEL_ID
NOBODY = "019b76da-a800-7000-8000-000000000009"


@dataclass(frozen=True)
class Route:
    """One path of the URL map that a viewset serves."""

    path: str
    methods: dict[str, str] = field(hash=False)
    viewset: type[ApiViewSet] = ApiViewSet

    def filled(self, **values: str) -> str:
        """Return the path with its parameters replaced."""
        known = {
            "<str:model_id>": MODEL,
            "<str:model_version>": "1",
            "<str:job_id>": NOBODY,
            "<str:subscription_id>": NOBODY,
        }
        known |= {f"<str:{name}>": value for name, value in values.items()}
        path = self.path
        for parameter, value in known.items():
            path = path.replace(parameter, value)
        return path


def routes() -> list[Route]:
    """Return every route of the API, from the URL map itself: a new one can't be forgotten."""
    found = []
    for pattern in _patterns(get_resolver().url_patterns, "/"):
        path, callback = pattern
        if hasattr(callback, "cls") and issubclass(callback.cls, ApiViewSet):
            found.append(Route(path, dict(callback.actions), callback.cls))
    return found


def _patterns(patterns: list[Any], prefix: str) -> list[tuple[str, Any]]:
    found = []
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += _patterns(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            found.append((path, pattern.callback))
    return found


# A body that each action takes, by viewset and action.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("ModelViewSet", "create"): examples.create_model(id="other"),
    ("ModelViewSet", "update"): examples.update_model(),
    ("VersionViewSet", "create"): {"version": "rc1", "description": "", "metadata": {}},
    ("VersionViewSet", "set_status"): {"status": "failed"},
    ("VersionViewSet", "train"): {"input": {}},
    ("VersionViewSet", "infer"): {"input": {}},
    ("JobViewSet", "complete"): {"status": "success", "output": {}},
    ("RerunViewSet", "retry"): {},
    ("RerunViewSet", "cancel"): {},
    ("SubscriptionViewSet", "create"): examples.subscribe(target_model_id=MODEL),
    ("SubscriptionViewSet", "update"): {"label": "new"},
    ("ContractCheckViewSet", "check"): {"handlers": examples.update_model()["handlers"]},
    ("SubscriptionViewSet", "accept_incoming"): {"only_valid": True},
}


def tables() -> dict[str, list[Any]]:
    """Return every row of every table of ours, to see that nothing changed."""
    return {
        model._meta.label: list(model.objects.order_by("pk").values())
        for app in ("models_registry", "subscriptions")
        for model in apps.get_app_config(app).get_models()
    }
