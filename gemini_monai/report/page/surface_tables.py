"""Tables of surfaces per structure: how far they are from each other, and how much is near."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gemini_monai.report.figures.wording import (
    UNDEFINED,
    decimal,
    decimal_with_deviation,
    percent_with_deviation,
)
from gemini_monai.report.page.elements import Cell, Table, table
from gemini_monai.report.read.case_scores import per_structure
from gemini_monai.report.read.comparison import Comparison
from gemini_monai.report.read.paired_statistics import summarize
from gemini_monai.report.read.run_contents import RunContents


def distance_table(comparison: Comparison) -> Table:
    """Average surface distance per structure and arm, with all that it cannot tell beside it."""
    header = ["structure"]
    for arm in comparison.arms:
        header += [f"{arm.name} ({arm.run.distance_unit})", "cases"]
    rows = []
    for name in comparison.first.run.structures:
        row: list[Cell | str] = [name]
        for arm in comparison.arms:
            row += _distance_cells(arm.run, name)
        rows.append(row)
    caption = (
        "Average surface distance: mean ± standard deviation over the cases where both surfaces "
        "exist. A structure that the prediction missed, or invented where the truth holds none, "
        "has no distance: it is counted here and has Dice 0 above."
    )
    return table(header, rows, caption=caption)


def _distance_cells(run: RunContents, name: str) -> list[Cell | str]:
    scores = [score for score in run.scores if score.structure == name]
    summary = summarize([score.distance for score in scores])
    counts = {
        "missed": sum(score.missed for score in scores),
        "invented": sum(score.invented for score in scores),
        "in neither": sum(score.absent for score in scores),
    }
    notes = [f"{count} {word}" for word, count in counts.items() if count]
    kind = "bad" if counts["missed"] or counts["invented"] else ""
    text = decimal_with_deviation(summary)
    return [text, Cell(", ".join([f"{summary.count} of {len(scores)}", *notes]), kind)]


def surface_table(comparison: Comparison) -> Table | None:
    """Normalized surface Dice, 95th percentile of the distance, and calibration, per structure.

    A column of what one arm alone has shows a dash for the others. ``None`` where none has any of
    it, as runs of earlier versions.
    """
    header, columns = ["structure"], []
    titles = {"surface_dice": "NSD", "hausdorff": "HD95 ({})", "calibration": "calibration"}
    for name, title in titles.items():
        if _known(comparison, name):
            header += [f"{a.name} {title.format(a.run.distance_unit)}" for a in comparison.arms]
            columns += [(arm.run, name) for arm in comparison.arms]
    if not columns:
        return None
    rows = [
        [Cell(structure), *(_measure(run, structure, name) for run, name in columns)]
        for structure in comparison.first.run.structures
    ]
    return table(header, rows, caption=_surface_caption(comparison))


def _measure(run: RunContents, structure: str, name: str) -> Cell:
    summary = summarize(list(per_structure(run, structure, name).values()))
    shown = decimal_with_deviation if name == "hausdorff" else percent_with_deviation
    return Cell(shown(summary), hint=f"{summary.count} cases")


def _known(comparison: Comparison, name: str) -> list[float]:
    """Every value of a measure that any arm has."""
    values = [getattr(score, name) for arm in comparison.arms for score in arm.run.scores]
    return [value for value in values if not math.isnan(value)]


def _surface_caption(comparison: Comparison) -> str:
    unit = comparison.first.run.distance_unit
    caption = (
        "NSD: normalized surface Dice in percent, the part of both surfaces that lies within "
        f"{_range(_known(comparison, 'tolerance'))} {unit} of the other; 0 where a structure was "
        "missed or invented. HD95: 95th percentile of the distance between the surfaces, over the "
        "cases where both exist. Mean ± standard deviation."
    )
    if _known(comparison, "calibration"):
        caption += (
            " Calibration: expected calibration error in percent, over all voxels of the image; "
            "small structures have small ones."
        )
    return caption


def _range(values: Sequence[float]) -> str:
    if not values:
        return UNDEFINED
    low, high = decimal(min(values)), decimal(max(values))
    return low if low == high else f"{low} to {high} (not the same everywhere)"
