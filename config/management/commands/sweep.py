"""`manage.py sweep`: runs the periodic sweep now, and prints its counts."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from config.terminal import TerminalCommand
from models_registry.queue import sweeper
from models_registry.services import retention
from subscriptions.impact import reports
from subscriptions.revalidation import runs


class Command(TerminalCommand):
    help = "Recover interrupted work; with --retention, delete old jobs and records."
    examples = ("sweep", "sweep --retention --json")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--retention",
            action="store_true",
            help="delete finished jobs and records that are past their retention",
        )

    def show(self, **options: Any) -> None:
        counts = _prune() if options["retention"] else _sweep()
        if options["json"]:
            self.display.document(counts)
            return
        self.display.note("Deleted:" if options["retention"] else "Recovered:")
        self.display.fields({kind: str(count) for kind, count in counts.items()})


def _sweep() -> dict[str, int]:
    """Sweep once; at most SWEEP_BATCH rows of each kind."""
    return {**sweeper.sweep(), **runs.sweep(), **reports.sweep()}  # type: ignore[dict-item]


def _prune() -> dict[str, int]:
    counts: dict[str, int] = {}
    while True:
        pruned = retention.prune()
        for kind, count in pruned.counts.items():
            counts[kind] = counts.get(kind, 0) + count
        if pruned.is_done or not any(pruned.counts.values()):
            return counts
