"""Shows the demo: a live display in a terminal, lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from config.embedded.demo.polling import Snapshot
from config.terminal.display import COLOURS

# The pause after each step, so that a person can follow; in seconds.
PACE_SECONDS = 0.4
# The lines of the title, the progress bar, the last outcome, and the gaps.
OTHER_LINES = 8


class Display(Protocol):
    """Shows a scenario while it runs."""

    @contextmanager
    def scenario(self, title: str, steps: Sequence[str]) -> Iterator[None]:
        """Show a scenario with these steps until the block ends."""

    def begin(self, step: str) -> None: ...

    def done(self, step: str, outcome: str) -> None: ...

    def fail(self, step: str, reason: str) -> None: ...

    def show(self, snapshot: Snapshot) -> None: ...


def display_for(console: Console) -> Display:
    """Return the display for the console."""
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)


class Hiscenario:
    """The statuses of each object, in order."""

    def __init__(self) -> None:
        self.statuses: dict[str, list[str]] = {}

    def add(self, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
        """Add a snapshot; yield the statuses that are new in it."""
        for name, status in snapshot.statuses():
            seen = self.statuses.setdefault(name, [])
            if status not in seen:
                seen.append(status)
                yield name, status


class PlainDisplay:
    """Prints a line when a step begins or ends, and for each new status."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps: list[str] = []
        self._hiscenario = Hiscenario()

    @contextmanager
    def scenario(self, title: str, steps: Sequence[str]) -> Iterator[None]:
        self._steps, self._hiscenario = list(steps), Hiscenario()
        self._line(f"{title} ({len(steps)} steps)")
        yield

    def begin(self, step: str) -> None:
        self._line(f"[{self._steps.index(step) + 1}/{len(self._steps)}] {step}")

    def done(self, step: str, outcome: str) -> None:
        self._line(f"      done: {outcome}")

    def fail(self, step: str, reason: str) -> None:
        self._line(f"      FAILED: {step}: {reason}")

    def show(self, snapshot: Snapshot) -> None:
        for name, status in self._hiscenario.add(snapshot):
            self._line(f"      {name}: {status}")

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


@dataclass
class _Shown:
    """A step on the live display; times are None until the step begins and ends."""

    title: str
    begun_at: float | None = None
    ended_at: float | None = None
    outcome: str = ""
    failed: bool = False

    def seconds(self) -> str:
        if self.begun_at is None:
            return ""
        return f"{(self.ended_at or time.monotonic()) - self.begun_at:.1f} s"


class LiveDisplay:
    """Shows the steps, and below them the statuses so far."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._spinner = Spinner("dots", style="cyan")
        self._title = ""
        self._steps: dict[str, _Shown] = {}
        self._hiscenario = Hiscenario()
        self._over = False

    @contextmanager
    def scenario(self, title: str, steps: Sequence[str]) -> Iterator[None]:
        self._title, self._hiscenario, self._over = title, Hiscenario(), False
        self._steps = {step: _Shown(step) for step in steps}
        with Live(self, console=self._console, refresh_per_second=10):
            try:
                yield
            finally:
                self._over = True  # the final display is complete, however small the terminal

    def begin(self, step: str) -> None:
        self._steps[step].begun_at = time.monotonic()

    def done(self, step: str, outcome: str) -> None:
        self._steps[step].ended_at = time.monotonic()
        self._steps[step].outcome = outcome
        time.sleep(PACE_SECONDS)

    def fail(self, step: str, reason: str) -> None:
        self._steps[step].failed = True
        self.done(step, reason)

    def show(self, snapshot: Snapshot) -> None:
        for _ in self._hiscenario.add(snapshot):
            pass

    def __rich__(self) -> RenderableType:
        title = Text(f"\n{self._title}\n", style="bold")
        return Group(title, self._progress(), self._steps_table(), Text(), self._statuses(), Text())

    def _progress(self) -> Table:
        done = sum(step.ended_at is not None and not step.failed for step in self._steps.values())
        bar = ProgressBar(
            total=len(self._steps),
            completed=done,
            width=50,
            complete_style="green",
            finished_style="green",
        )
        table = Table.grid(padding=(0, 1))
        table.add_row(bar, f"{done} of {len(self._steps)}")
        return table

    def _steps_table(self) -> Table:
        table = Table.grid(padding=(0, 1))
        ended = [step for step in self._steps.values() if step.ended_at is not None]
        for step in self._steps.values():
            table.add_row(self._mark(step), step.title, Text(step.seconds(), style="dim"))
            if step.outcome and (self._over or step is ended[-1]):
                table.add_row("", Text(step.outcome, style="red" if step.failed else "dim"))
        return table

    def _mark(self, step: _Shown) -> RenderableType:
        if step.failed:
            return Text("✗", style="red")
        if step.ended_at is not None:
            return Text("✓", style="green")
        return self._spinner if step.begun_at is not None else Text("·", style="dim")

    def _statuses(self) -> Table:
        table = Table.grid(padding=(0, 2))
        room = self._console.height - len(self._steps) - OTHER_LINES
        newest = 0 if self._over else -max(room, 1)
        for name, statuses in list(self._hiscenario.statuses.items())[newest:]:
            coloured = [Text(status, style=COLOURS.get(status, "")) for status in statuses]
            table.add_row(name, Text(" → ").join(coloured))
        return table
