"""The chart of jobs by the hour: where each bar stands, in the units of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from config.staff.base import list_url
from config.staff.hours import FORMAT, Hour
from config.staff.showing import tone
from models_registry.models import Job

WIDTH, HEIGHT = 960, 180
LEFT, BOTTOM, TOP = 44, 24, 10
GAP = 4


def draw(hours: Sequence[Hour]) -> dict[str, Any]:
    """Return the stacked bars, the lines behind them and the table that says the same."""
    highest = max((sum(hour.counts.values()) for hour in hours), default=0)
    top = _round_up(highest)
    step = (WIDTH - LEFT) / max(len(hours), 1)
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "base": HEIGHT - BOTTOM,
        "is_empty": highest == 0,
        "lines": [{"y": _y(value, top), "value": value} for value in (0, top // 2, top)],
        "hours": [_bar(hour, LEFT + number * step, step, top) for number, hour in enumerate(hours)],
    }


def _bar(hour: Hour, left: float, step: float, top: int) -> dict[str, Any]:
    """Return one hour's bar: a part for each status that occurred, stacked from below."""
    parts, below = [], 0
    for status, count in hour.counts.items():
        if not count:
            continue
        y = _y(below + int(count), top)
        parts.append(
            {
                "x": round(left + GAP / 2, 1),
                "y": y,
                "width": round(step - GAP, 1),
                "height": max(round(_y(below, top) - y, 1), 1),
                "tone": tone(status),
                "status": status,
                "count": count,
                "url": list_url(Job, status__exact=status, made=hour.start.strftime(FORMAT)),
            }
        )
        below += int(count)
    shows_label = hour.start.hour % 3 == 0
    return {
        "start": hour.start,
        "label": f"{hour.start:%H}:00" if shows_label else "",
        "middle": round(left + step / 2, 1),
        "parts": parts,
    }


def _y(value: int, top: int) -> float:
    return round(HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP), 1)


def _round_up(highest: int) -> int:
    """Return the next even number of one significant digit: what the scale ends with."""
    if highest <= 4:
        return 4
    unit = 10 ** (len(str(highest)) - 1)
    scale = next(factor * unit for factor in (1, 2, 4, 6, 8, 10) if factor * unit >= highest)
    return int(scale)
