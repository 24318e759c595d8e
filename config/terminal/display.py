"""Where a command writes: a table on a terminal or in a pipe, JSON where a script asks for it.

What callers stored is shown with its control characters written out: a terminal would obey them.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

COLOURS = {
    "pending": "yellow",
    "paused": "yellow",
    "training": "cyan",
    "started": "cyan",
    "running": "cyan",
    "active": "green",
    "success": "green",
    "stale": "magenta",
    "superseded": "dim",
    "failed": "red",
    "failure": "red",
}
# A column that may be cut keeps so many characters before rows are shown as blocks instead.
CUT_AT_LEAST = 12
GAP = 2
# No line of a pipe is cut or folded.
PIPE_WIDTH = 100_000

Cell = str | Text | None


@dataclass(frozen=True)
class Column:
    """A column of a table: how a row fills it; `cuttable` where it may end in an ellipsis.

    `width` is what it has at least where rows come one after the other.
    """

    title: str
    value: Callable[[Any], Cell]
    cuttable: bool = False
    width: int = 0


class Display:
    """Shows rows, facts and notes: as tables and text, or as JSON with the API's field names.

    In JSON everything but the data goes to the standard error.
    """

    def __init__(self, out: TextIO, notes: TextIO, *, as_json: bool, **console: Any) -> None:
        self.as_json = as_json
        self._out = out
        self.console = _console(out, **console)
        self._notes = _console(notes, **console) if as_json else self.console

    def rows(
        self,
        rows: Sequence[Any],
        columns: Sequence[Column],
        *,
        objects: Iterable[Mapping[str, Any]],
        nothing: str,
        more: bool = False,
    ) -> None:
        """Show a list: as JSON one array of `objects`, else `rows` as `columns` fill them.

        `nothing` is said where there are no rows. `more` says that these are not all.
        """
        if self.as_json:
            self.document(list(objects))
        elif rows:
            self.console.print(self._table(rows, columns))
        else:
            self.note(nothing)
        if more:
            self.note(f"There are more than these {len(rows)}; --limit N shows more.", "dim")

    def line(self, row: Any, columns: Sequence[Column], shown: Mapping[str, Any]) -> None:
        """Show one row at once: as a line of JSON, `shown`, else as `columns` fill it."""
        if self.as_json:
            self.document(shown)
            return
        cells = []
        for column in columns:
            cell = _text(column.value(row))
            cell.append(" " * (column.width - cell.cell_len))
            cells.append(cell)
        self.console.print(Text(" " * GAP).join(cells), soft_wrap=True)

    def facts(self, facts: Mapping[str, Cell]) -> None:
        """Show names and values below each other; nothing in JSON."""
        if not self.as_json:
            self.console.print(_facts(facts))

    def document(self, value: Any) -> None:
        """Print `value` as one line of JSON, in ASCII, at once."""
        self._out.write(json.dumps(value, separators=(",", ":"), allow_nan=False) + "\n")
        self._out.flush()

    def note(self, text: str, style: str = "") -> None:
        """Say something to the person; where a script reads, on the standard error."""
        self._notes.print(Text(cleaned(text), style=style), soft_wrap=True)

    def _table(self, rows: Sequence[Any], columns: Sequence[Column]) -> RenderableType:
        filled = [[_text(column.value(row)) for column in columns] for row in rows]
        widths = _widths(filled, columns, self.console.width)
        if widths is None:
            return _blocks(filled, columns)
        table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
        for column, width in zip(columns, widths, strict=True):
            table.add_column(column.title, no_wrap=True, overflow="ellipsis", width=width)
        for row in filled:
            table.add_row(*row)
        return table


def cleaned(text: str) -> str:
    """Return `text` with whatever a terminal would not just print written out, such as `\\x1b`."""
    return "".join(
        f"\\x{ord(char):02x}" if unicodedata.category(char) in {"Cc", "Cf", "Cs"} else char
        for char in text
    )


def state(value: str) -> Text:
    """Return a status in its colour."""
    return Text(cleaned(value), style=COLOURS.get(value, ""))


def _console(file: TextIO, *, no_color: bool | None = None, **options: Any) -> Console:
    console = Console(
        file=file, no_color=no_color or None, highlight=False, markup=False, **options
    )
    if not console.is_terminal and "width" not in options:
        console.width = PIPE_WIDTH
    return console


def _text(cell: Cell) -> Text:
    if isinstance(cell, Text):
        return cell
    if cell is None:
        return Text("-", style="dim")
    return Text(cleaned(cell))


def _facts(facts: Mapping[str, Cell]) -> Table:
    table = Table.grid(padding=(0, GAP, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, _text(value))
    return table


def _blocks(filled: Sequence[Sequence[Text]], columns: Sequence[Column]) -> Table:
    """Return each row as a block of names and values, for a narrow terminal."""
    table = Table.grid()
    for row in filled:
        cells = zip(columns, row, strict=True)
        table.add_row(_facts({column.title: cell for column, cell in cells if cell.plain}))
        table.add_row("")
    return table


def _widths(
    filled: Sequence[Sequence[Text]], columns: Sequence[Column], room: int
) -> list[int] | None:
    """Return how wide each column is, of which ids are never cut; None where they don't fit."""
    widths = [
        max([len(column.title), *(row[place].cell_len for row in filled)])
        for place, column in enumerate(columns)
    ]
    over = sum(widths) + GAP * (len(columns) - 1) - room
    # The last one is cut first.
    for place in reversed(range(len(columns))):
        if over > 0 and columns[place].cuttable:
            cut = min(over, max(0, widths[place] - CUT_AT_LEAST))
            widths[place] -= cut
            over -= cut
    return None if over > 0 else widths
