"""`manage.py models`: lists models, or shows one with its versions."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from config.terminal import Column, TerminalCommand, state
from models_registry.api import representations as show
from models_registry.db.read_models import timestamp
from models_registry.models import Model, ModelStatus, ModelVersion
from models_registry.services.lookups import get_model

COLUMNS = (
    Column("MODEL", lambda model: model.id),
    Column("STATUS", lambda model: state(model.status)),
    Column("CURRENT", lambda model: model.current_version and model.current_version.version),
    Column("UPDATED", lambda model: timestamp(model.updated_at)[:19] + "Z"),
    Column("NAME", lambda model: model.name, truncatable=True),
)
VERSIONS = (
    Column("VERSION", lambda version: version.version),
    Column("STATUS", lambda version: state(version.status)),
    Column("CREATED", lambda version: timestamp(version.created_at)[:19] + "Z"),
    Column(
        "ACTIVATED",
        lambda version: version.activated_at and timestamp(version.activated_at)[:19] + "Z",
    ),
    Column("DESCRIPTION", lambda version: version.description, truncatable=True),
)


class Command(TerminalCommand):
    help = "List models by id, or show one model with its newest versions."
    examples = (
        "models",
        "models --status pending",
        "models model_price_reco_v1",
        "models --json | jq -r '.[].id'",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("model", nargs="?", metavar="MODEL", help="model id")
        parser.add_argument(
            "--status", choices=ModelStatus.values, help="only models with this status"
        )
        self.add_limit(parser)

    def show(self, **options: Any) -> None:
        if options["model"] is None:
            self._list(options["status"], options["limit"])
        else:
            self._one(options["model"], options["limit"])

    def _list(self, status: str | None, limit: int) -> None:
        models = Model.objects.select_related("current_version").order_by("id")
        if status is not None:
            models = models.filter(status=status)
        found = list(models[: limit + 1])
        self.display.rows(
            found[:limit],
            COLUMNS,
            objects=map(show.model_object, found[:limit]),
            empty="No models match." if status else "No models yet.",
            more=len(found) > limit,
        )

    def _one(self, model_id: str, limit: int) -> None:
        model, newest = get_model(model_id)
        if self.display.as_json:
            self.display.document(show.model_and_version(model, newest))
            return
        current = model.current_version
        self.display.fields(
            {
                "Model": model.id,
                "Name": model.name,
                "Description": model.description,
                "Status": state(model.status),
                "Current version": current.version if current else None,
                **{
                    f"{action.capitalize()} handler": handler.get("arn") or handler.get("value")
                    for action, handler in model.handlers.items()
                },
            }
        )
        versions = list(ModelVersion.objects.filter(model=model).order_by("-number")[: limit + 1])
        self.display.note("")
        self.display.rows(
            versions[:limit], VERSIONS, objects=(), empty="", more=len(versions) > limit
        )
