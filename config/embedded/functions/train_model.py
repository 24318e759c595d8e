"""A training handler: fits a line, keeps it, and calls back with where it is, or with why not.

Takes `{"data_path"?: string}`: a CSV file of x,y lines in the folder of training data. Anything
else, and no path at all, means the shipped figures; the output says which it was.
"""

from __future__ import annotations

import csv
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from _callback import report
from _norris import FIGURES, Line, fit
from _storage import save

DATA_DIR = os.environ.get("TRAINING_DATA_DIR")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    try:
        line = train(event["input"].get("data_path"))
        output = {"model_path": str(save(event, line)), **line}
    except OSError as error:
        # Not raised: Lambda would train twice more for a job that this report has ended.
        reason = {"code": "model_not_kept", "message": f"The model can't be kept: {error.strerror}"}
        report(event, status="failure", error=reason)
        return reason
    report(event, status="success", output=output)
    return output


def train(data_path: Any) -> Line:
    """Fit a line to the file's figures, if it has any, else to the shipped ones."""
    if isinstance(data_path, str):
        # Not a path, not figures, or none that a line fits: the shipped ones serve.
        with suppress(OSError, ValueError, ArithmeticError, csv.Error):
            path = _inside_data_dir(data_path)
            if path is not None:
                with path.open(newline="", encoding="utf-8") as file:
                    figures = tuple((float(x), float(y)) for x, y in csv.reader(file))
                return fit(figures, path.name)
    return fit(FIGURES, "NIST Norris")


def _inside_data_dir(data_path: str) -> Path | None:
    if not DATA_DIR:
        return None
    folder = Path(DATA_DIR).resolve()
    path = (folder / data_path).resolve()
    return path if path.is_relative_to(folder) and path.is_file() else None
