"""Tables of every case, worst first, and of the main numbers of several runs."""

from __future__ import annotations

import math

from gemini_monai.report.figures.wording import (
    UNDEFINED,
    decimal,
    duration,
    interval,
    missing_notes,
    percent,
    signed_points,
)
from gemini_monai.report.page.elements import Cell, Table, table
from gemini_monai.report.page.structure_tables import difference_titles
from gemini_monai.report.read.case_scores import (
    by_case,
    mean_dice,
    per_case,
    per_structure,
    registration_means,
    worst_first,
)
from gemini_monai.report.read.comparison import Arm, Comparison
from gemini_monai.report.read.paired_statistics import paired_difference, summarize


def case_table(comparison: Comparison) -> Table:
    """Every test case of the first arm, worst first."""
    first = comparison.first.run
    header: list[Cell | str] = ["case", *(arm.name for arm in comparison.arms)]
    header += difference_titles(comparison)
    header += [*first.structures, f"distance ({first.distance_unit})", Cell("notes", "text")]
    means = [per_case(arm.run) for arm in comparison.arms]
    structures = [per_structure(first, name) for name in first.structures]
    distances, scores = per_case(first, "distance"), by_case(first)
    rows = []
    for case in worst_first(means[0]):
        own = [mean.get(case, math.nan) for mean in means]
        row: list[Cell | str] = [case, *(_dice(mean) for mean in own)]
        for arm, reference in comparison.differences:
            row.append(signed_points(own[arm.place] - own[reference.place]))
        row += [_dice(values.get(case, math.nan)) for values in structures]
        row += [decimal(distances[case]), Cell("; ".join(missing_notes(scores[case])), "text")]
        rows.append(row)
    caption = (
        "Mean Dice per case in percent, differences in points. "
        f"Dice per structure and mean distance are those of {comparison.first.name}."
    )
    return table(header, rows, caption=caption, kind="tall")


def _dice(value: float) -> Cell:
    """Dice in percent, shaded in four steps from 80 % down."""
    if math.isnan(value):
        return Cell(UNDEFINED)
    step = sum(value < bound for bound in (0.8, 0.6, 0.4, 0.2))
    return Cell(f"{100 * value:.1f}", f"low-{step}" if step else "", f"{value:.4f}")


def summary_table(comparison: Comparison) -> Table:
    """The main numbers of several runs side by side."""
    header = ["run", "cases", "mean Dice", "difference (points)", "95 % interval"]
    header += [
        f"distance ({comparison.first.run.distance_unit})",
        "registration Dice",
        "training time",
    ]
    rows = [_summary_row(arm, comparison) for arm in comparison.arms]
    return table(header, rows, caption=f"Differences are against {comparison.first.name}.")


def _summary_row(arm: Arm, comparison: Comparison) -> list[Cell | str]:
    scores = per_case(arm.run)
    found = paired_difference(scores, per_case(comparison.first.run))
    if arm is comparison.first or found is None:
        paired: list[Cell | str] = [UNDEFINED, UNDEFINED]
    else:
        kind = "clear" if found.clear else ""
        paired = [Cell(signed_points(found.mean), kind), interval(found)]
    return [
        arm.name,
        str(len(scores)),
        percent(mean_dice(arm.run)),
        *paired,
        decimal(summarize(list(per_case(arm.run, "distance").values())).mean),
        percent(registration_means(arm.run.pairs).dice_after),
        duration(arm.run.details.get("seconds")),
    ]
