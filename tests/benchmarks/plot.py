"""Draws how rates grow as an SVG of small panels, readable in light and in dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 236, 168
LEFT, TOP, RIGHT, BOTTOM = 50, 34, 14, 34
HEAD = 30
# The page's own background, since a README may be shown on either.
STYLE = """
  svg { --paper: #ffffff; --ink: #1f2328; --faint: #59636e; --grid: #d1d9e0; --line: #0969da; }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #0d1117; --ink: #f0f6fc; --faint: #9198a1; --grid: #30363d; --line: #4493f8; }
  }
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: var(--ink); }
  .title { font-weight: 600; } .row { font-size: 14px; font-weight: 600; }
  .tick { font-size: 11px; fill: var(--faint); }
  .value { font-size: 11px; fill: var(--faint); }
  .value { stroke: var(--paper); stroke-width: 4; paint-order: stroke; }
  .grid { stroke: var(--grid); } .line { stroke: var(--line); stroke-width: 2; fill: none; }
  .dot { fill: var(--line); } .paper { fill: var(--paper); }
"""


class Panel(NamedTuple):
    """One picture: a rate a second at each number of something."""

    title: str
    points: Sequence[tuple[float, float]]


def draw(rows: dict[str, Sequence[Panel]], description: str) -> str:
    """Return the SVG: a caption for each row of panels; panels of a row share their scale."""
    columns = max(len(panels) for panels in rows.values())
    width, row_height = columns * WIDTH, HEAD + HEIGHT
    height = len(rows) * row_height
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}" role="img" aria-label="{escape(description)}">',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
    ]
    for number, (caption, panels) in enumerate(rows.items()):
        top = number * row_height
        parts.append(f'<text class="row" x="12" y="{top + 22}">{escape(caption)}</text>')
        highest = _round_up(max(rate for panel in panels for _, rate in panel.points))
        for column, panel in enumerate(panels):
            parts += _panel(panel, column * WIDTH, top + HEAD, highest)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, left: float, top: float, highest: float) -> list[str]:
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    xs = _places([number for number, _ in panel.points], left + LEFT, inner_width)
    floor = top + TOP + inner_height
    ys = [floor - rate / highest * inner_height for _, rate in panel.points]
    parts = [f'<text class="title" x="{left + LEFT}" y="{top + 20}">{escape(panel.title)}</text>']
    for share in (0, 0.5, 1):
        y = floor - share * inner_height
        end = left + WIDTH - RIGHT
        parts.append(f'<path class="grid" d="M{left + LEFT} {y:.1f}H{end}"/>')
        label = short(share * highest)
        parts.append(_text("tick", left + LEFT - 6, y + 4, label, anchor="end"))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
    parts.append(f'<polyline class="line" points="{line}"/>')
    for (number, rate), x, y in zip(panel.points, xs, ys, strict=True):
        tip = f"<title>{short(number)}: {rate:,.0f} a second</title>"
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5">{tip}</circle>')
        parts.append(_text("value", x, y - 8, short(rate), anchor="middle"))
        parts.append(_text("tick", x, floor + 17, short(number), anchor="middle"))
    return parts


def _places(numbers: Sequence[float], left: float, width: float) -> list[float]:
    """Return where numbers stand on a logarithmic axis, with room for their labels."""
    logs = [math.log10(number) for number in numbers]
    span, margin = max(logs) - min(logs) or 1, 16
    return [left + margin + (log - min(logs)) / span * (width - 2 * margin) for log in logs]


def _text(kind: str, x: float, y: float, text: str, *, anchor: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 4, 6, 10 times a power of ten, with room for a label above."""
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 6, 10, 20) if step * power >= value * 1.1)


def short(number: float) -> str:
    """Return a number as an axis has it: 950, 1.2k, 30k, 1M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            digits = 0 if number >= 10 * size else 1
            return f"{number / size:.{digits}f}".removesuffix(".0") + letter
    return f"{number:.0f}"
