"""The table of a test whose means alone are there, as of released weights."""

from __future__ import annotations

from gemini_monai.report.figures.wording import (
    UNDEFINED,
    decimal_with_deviation,
    percent_with_deviation,
)
from gemini_monai.report.page.elements import Cell, Table, table
from gemini_monai.report.read.case_scores import MEAN_ROW
from gemini_monai.report.read.comparison import Comparison
from gemini_monai.report.read.recorded_means import recorded_scores


def recorded_table(comparison: Comparison) -> Table | None:
    """Means per structure of the first arm, as recorded; ``None`` where there are none."""
    dice = recorded_scores(comparison.first.run)
    if not dice:
        return None
    distances = recorded_scores(comparison.first.run, "average_surface_distance")
    header = ["structure", "cases", "Dice (%)", f"distance ({comparison.first.run.distance_unit})"]
    rows: list[list[Cell | str]] = []
    for name, own in dice.items():
        kind = "total" if name == MEAN_ROW else ""
        distance = decimal_with_deviation(distances[name]) if name in distances else UNDEFINED
        texts = (name, str(own.count), percent_with_deviation(own), distance)
        rows.append([Cell(text, kind) for text in texts])
    caption = "Mean ± standard deviation over the test cases, as recorded."
    return table(header, rows, caption=caption)
