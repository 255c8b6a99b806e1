"""Tables of Dice and distance per structure."""

from __future__ import annotations

from gemini_monai.report.figures.wording import (
    MINUS,
    UNDEFINED,
    decimal_with_deviation,
    interval,
    percent_with_deviation,
    probability,
    signed_points,
)
from gemini_monai.report.page.elements import Cell, Table, table
from gemini_monai.report.read.case_scores import MEAN_ROW, row_values
from gemini_monai.report.read.comparison import Comparison
from gemini_monai.report.read.paired_statistics import paired_difference, summarize
from gemini_monai.report.read.run_contents import RunContents


def structure_table(comparison: Comparison) -> Table:
    """Dice per structure and arm with the paired difference, its interval and Wilcoxon's p."""
    header = ["structure", *(arm.name for arm in comparison.arms)]
    for title in difference_titles(comparison):
        header += [title, "95 % interval"] if comparison.several else [title, "95 % interval", "p"]
    rows = [_structure_row(comparison, name) for name in _rows(comparison)]
    caption = "Dice in percent: mean ± standard deviation over the test cases."
    if comparison.differences:
        caption += " Difference in points, in color where its interval leaves zero out."
    return table(header, rows, caption=caption)


def difference_titles(comparison: Comparison) -> list[str]:
    """``difference`` where one run has one other arm, else who is measured against whom."""
    if not comparison.several and len(comparison.differences) == 1:
        return ["difference"]
    return [f"{arm.name} {MINUS} {reference.name}" for arm, reference in comparison.differences]


def _rows(comparison: Comparison) -> list[str]:
    return [*comparison.first.run.structures, MEAN_ROW]


def _structure_row(comparison: Comparison, name: str) -> list[Cell | str]:
    kind = "total" if name == MEAN_ROW else ""
    row: list[Cell | str] = [Cell(name, kind)]
    for arm in comparison.arms:
        found = summarize(list(row_values(arm.run, name).values()))
        row.append(Cell(percent_with_deviation(found), kind, f"{found.count} cases"))
    for arm, reference in comparison.differences:
        paired = paired_difference(row_values(arm.run, name), row_values(reference.run, name))
        if paired is None:
            row += [UNDEFINED] * (2 if comparison.several else 3)
            continue
        strength = "clear" if paired.clear else ""
        row += [
            Cell(signed_points(paired.mean), f"{kind} {strength}".strip(), f"{paired.count} cases"),
            Cell(interval(paired), kind, f"p {probability(paired.p_value)}"),
        ]
        row += [] if comparison.several else [Cell(probability(paired.p_value), kind)]
    return row


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
    found = summarize([score.distance for score in scores])
    counts = {
        "missed": sum(score.missed for score in scores),
        "invented": sum(score.invented for score in scores),
        "in neither": sum(score.absent for score in scores),
    }
    notes = [f"{count} {word}" for word, count in counts.items() if count]
    kind = "bad" if counts["missed"] or counts["invented"] else ""
    text = decimal_with_deviation(found)
    return [text, Cell(", ".join([f"{found.count} of {len(scores)}", *notes]), kind)]
