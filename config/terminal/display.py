"""The output of a command: a table on a terminal or in a pipe, or JSON for scripts.

Control characters in stored values are escaped, because a terminal would interpret them.
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
# A truncated column keeps this many characters; below that, rows are shown as blocks.
TRUNCATED_WIDTH = 12
GAP = 2
# Lines in a pipe are never truncated or wrapped.
PIPE_WIDTH = 100_000

Cell = str | Text | None


@dataclass(frozen=True)
class Column:
    """A column of a table; a `truncatable` one may end in an ellipsis.

    `width` is its minimum width where rows are printed one at a time.
    """

    title: str
    value: Callable[[Any], Cell]
    truncatable: bool = False
    width: int = 0


class Display:
    """Prints rows, fields and notes: as tables and text, or as JSON with the API's field names.

    With JSON everything but the data goes to the standard error.
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
        empty: str,
        more: bool = False,
    ) -> None:
        """Print a list: as one JSON array of `objects`, else `rows` as a table of `columns`.

        `empty` is the message when there are no rows; `more` tells that there are more rows.
        """
        if self.as_json:
            self.document(list(objects))
        elif rows:
            self.console.print(self._table(rows, columns))
        else:
            self.note(empty)
        if more:
            self.note(f"Only the first {len(rows)} are shown; --limit N shows more.", "dim")

    def line(self, row: Any, columns: Sequence[Column], document: Mapping[str, Any]) -> None:
        """Print one row immediately: as a line of JSON, else as a line of `columns`."""
        if self.as_json:
            self.document(document)
            return
        cells = []
        for column in columns:
            cell = _text(column.value(row))
            cell.append(" " * (column.width - cell.cell_len))
            cells.append(cell)
        self.console.print(Text(" " * GAP).join(cells), soft_wrap=True)

    def fields(self, fields: Mapping[str, Cell]) -> None:
        """Print names and values below each other; nothing with JSON."""
        if not self.as_json:
            self.console.print(_fields(fields))

    def document(self, value: Any) -> None:
        """Print `value` as one line of ASCII JSON and flush it."""
        self._out.write(json.dumps(value, separators=(",", ":"), allow_nan=False) + "\n")
        self._out.flush()

    def note(self, text: str, style: str = "") -> None:
        """Print a message for a person; with JSON, on the standard error."""
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
    """Return `text` with control characters escaped, such as `\\x1b`."""
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


def _fields(fields: Mapping[str, Cell]) -> Table:
    table = Table.grid(padding=(0, GAP, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields.items():
        table.add_row(name, _text(value))
    return table


def _blocks(filled: Sequence[Sequence[Text]], columns: Sequence[Column]) -> Table:
    """Return each row as a block of names and values, for a narrow terminal."""
    table = Table.grid()
    for row in filled:
        cells = zip(columns, row, strict=True)
        table.add_row(_fields({column.title: cell for column, cell in cells if cell.plain}))
        table.add_row("")
    return table


def _widths(
    filled: Sequence[Sequence[Text]], columns: Sequence[Column], room: int
) -> list[int] | None:
    """Return the column widths, truncated as far as allowed; None if the table does not fit."""
    widths = [
        max([len(column.title), *(row[place].cell_len for row in filled)])
        for place, column in enumerate(columns)
    ]
    over = sum(widths) + GAP * (len(columns) - 1) - room
    # The last column is truncated first.
    for place in reversed(range(len(columns))):
        if over > 0 and columns[place].truncatable:
            saved = min(over, max(0, widths[place] - TRUNCATED_WIDTH))
            widths[place] -= saved
            over -= saved
    return None if over > 0 else widths
