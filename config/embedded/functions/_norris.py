"""Real figures to train on, and the training: a straight line through them by least squares.

The figures are the Norris data set of NIST's Statistical Reference Datasets (linear regression,
lower level of difficulty; J. Norris, calibration of ozone monitors), which NIST publishes with
certified results: y = -0.262323073774029 + 1.00211681802045 x.
https://www.itl.nist.gov/div898/strd/lls/data/Norris.shtml
"""

from __future__ import annotations

import math
import statistics
from typing import TypedDict

# (x, y): the customer's measurement and NIST's.
FIGURES: tuple[tuple[float, float], ...] = (
    (0.2, 0.1), (337.4, 338.8), (118.2, 118.1), (884.6, 888.0), (10.1, 9.2), (226.5, 228.1),
    (666.3, 668.5), (996.3, 998.5), (448.6, 449.1), (777.0, 778.9), (558.2, 559.2), (0.4, 0.3),
    (0.6, 0.1), (775.5, 778.1), (666.9, 668.8), (338.0, 339.3), (447.5, 448.9), (11.6, 10.8),
    (556.0, 557.7), (228.1, 228.3), (995.8, 998.0), (887.6, 888.8), (120.2, 119.6), (0.3, 0.3),
    (0.3, 0.6), (556.8, 557.6), (339.1, 339.3), (887.2, 888.0), (999.0, 998.5), (779.0, 778.9),
    (11.1, 10.2), (118.3, 117.6), (229.2, 228.9), (669.1, 668.4), (448.9, 449.2), (0.5, 0.2),
)  # fmt: skip


class Line(TypedDict):
    """A trained model: y = intercept + slope * x."""

    intercept: float
    slope: float
    trained_on: str


def fit(figures: tuple[tuple[float, float], ...], name: str) -> Line:
    """Train on (x, y) pairs. Raises ValueError or ArithmeticError when no line fits them."""
    xs, ys = zip(*figures, strict=True) if figures else ((), ())
    slope, intercept = statistics.linear_regression(xs, ys)
    if not (math.isfinite(slope) and math.isfinite(intercept)):
        raise ValueError("No line fits figures that are not finite.")
    return {"intercept": intercept, "slope": slope, "trained_on": name}


def predict(line: Line, x: float) -> float:
    return line["intercept"] + line["slope"] * x
