"""`manage.py revalidate`: checks the stored payloads of a model again, with a progress bar."""

from __future__ import annotations

from threading import Event
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from config.terminal import TerminalCommand, state
from config.terminal.signals import interruption
from models_registry.models import Action
from subscriptions.api.representations import revalidation_object
from subscriptions.models import OPEN_RUN, Revalidation, RevalidationStatus
from subscriptions.revalidation.runs import revalidate_again, work_through

# How long this process works on the run before it reads the counts again.
STEP_SECONDS = 0.5
POLL_SECONDS = 0.2


class Command(TerminalCommand):
    help = (
        "Check the stored payloads of the subscriptions that run an action of a model again, as"
        " after a change of its contract. A run in progress for the same action is superseded."
    )
    examples = (
        "revalidate model_price_reco_v1 inference --wait",
        "revalidate model_price_reco_v1 training --wait --json | jq .invalid",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("model", metavar="MODEL", help="target model id")
        parser.add_argument(
            "action", choices=Action.values, help="action whose payloads are checked"
        )
        parser.add_argument(
            "--wait",
            action="store_true",
            help="work on the run too and show its progress; Ctrl-C leaves it to the workers."
            " Exit status 1 unless the run succeeds",
        )

    def show(self, **options: Any) -> None:
        run = revalidate_again(model_id=options["model"], action=options["action"])
        if not options["wait"]:
            self._print(_read(run.pk))
            return
        with interruption() as interrupted:
            run = self._wait(run.pk, interrupted)
        self._print(run)
        if run.status in OPEN_RUN:
            raise CommandError("Interrupted; the workers continue the run.", returncode=130)
        if run.status != RevalidationStatus.SUCCESS:
            raise CommandError(run.error or f"The run ended as {run.status}.")

    def _wait(self, run_id: UUID, interrupted: Event) -> Revalidation:
        """Work on a run together with the workers until it ends or the user interrupts."""
        run = _read(run_id)
        with self._progress() as progress:
            bar = progress.add_task(f"{run.model_id} {run.action}", total=None, invalid=0)
            while run.status in OPEN_RUN and not interrupted.is_set():
                if not work_through(run_id, seconds=STEP_SECONDS):
                    interrupted.wait(POLL_SECONDS)  # workers have the rest
                run = _read(run_id)
                progress.update(bar, total=run.total, completed=run.checked, invalid=run.invalid)
        return run

    def _progress(self) -> Progress:
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[invalid]} invalid"),
            TimeElapsedColumn(),
            console=self.display.console,
            disable=self.display.as_json or not self.display.console.is_terminal,
        )

    def _print(self, run: Revalidation) -> None:
        if self.display.as_json:
            self.display.document(revalidation_object(run))
            return
        self.display.fields(
            {
                "Run": str(run.pk),
                "Status": state(run.status),
                "Contract of version": run.version,
                "Checked": f"{run.checked} of {'?' if run.total is None else run.total}",
                "Invalid": str(run.invalid),
            }
        )


def _read(run_id: UUID) -> Revalidation:
    """Read the run from the database, without its schema."""
    return Revalidation.objects.defer("schema").get(pk=run_id)
