"""`manage.py accept`: accepts a model's current contracts for the subscriptions that run it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from rich.text import Text

from config.terminal import TerminalCommand
from subscriptions.api.representations import acceptance_object
from subscriptions.services.accepting import accept_incoming

LEFT = {
    "invalid": ("payload does not fit", "fix the payload, or accept with --all"),
    "trigger_output": ("input is the output of another model", "review it, or accept with --all"),
    "closing_loop": ("would close a loop", "remove the loop and resume it"),
}


class Command(TerminalCommand):
    help = (
        "Accept the current contracts of a model for the stale subscriptions that run it: those"
        " whose stored payload fits, or all."
    )
    examples = (
        "accept model_price_reco_v1",
        "accept model_price_reco_v1 --all",
        "accept model_price_reco_v1 --json | jq .left_stale",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("model", metavar="MODEL", help="target model id")
        parser.add_argument(
            "--all", action="store_true", help="include those whose payload does not fit"
        )

    def show(self, **options: Any) -> None:
        outcome = accept_incoming(model_id=options["model"], only_valid=not options["all"])
        shown = acceptance_object(outcome)
        if self.display.as_json:
            self.display.document(shown)
            return
        fields: dict[str, Text | None] = {"Accepted": Text(str(shown["accepted"]), style="green")}
        left = 0
        for reason, (name, advice) in LEFT.items():
            count: int = shown["left_stale"][reason]  # type: ignore[literal-required]
            if count:
                fields[f"Still stale: {name}"] = Text(f"{count} ({advice})", style="magenta")
                left += count
        self.display.fields(fields)
        if left:
            self.display.note(f"See `manage.py subscriptions --stale --model {options['model']}`.")
