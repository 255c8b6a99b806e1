"""Tables of Dice: per structure, of every case worst first, and of several runs."""

from __future__ import annotations

import math

from gemini_monai.report.figures.wording import (
    MINUS,
    UNDEFINED,
    decimal,
    duration,
    interval,
    missing_notes,
    percent,
    percent_with_deviation,
    plural,
    probability,
    signed_points,
)
from gemini_monai.report.page.elements import Cell, Table, table
from gemini_monai.report.read.case_scores import (
    MEAN_ROW,
    by_case,
    mean_dice,
    per_case,
    per_structure,
    registration_means,
    row_values,
    worst_first,
)
from gemini_monai.report.read.comparison import Arm, Comparison
from gemini_monai.report.read.paired_statistics import (
    FEWEST_CASES,
    PairedDifference,
    paired_difference,
    summarize,
)


def structure_table(comparison: Comparison) -> Table:
    """Dice per structure and arm with the paired difference, its interval and Wilcoxon's p."""
    header = ["structure", *(arm.name for arm in comparison.arms)]
    for title in difference_titles(comparison):
        header += [title, "95 % interval"] if comparison.several else [title, "95 % interval", "p"]
    rows = [_structure_row(comparison, name) for name in _rows(comparison)]
    caption = "Dice in percent: mean ± standard deviation over the test cases."
    if comparison.differences:
        color = ", in color where its interval leaves zero out and p is below 0.05."
        caption += f" Difference in points{too_few(comparison) or color}"
    return table(header, rows, caption=caption)


def too_few(comparison: Comparison) -> str:
    """That there are too few test cases for an interval, where there are; else nothing."""
    pairs = [(per_case(a.run), per_case(b.run)) for a, b in comparison.differences]
    counts = [paired.count for pair in pairs if (paired := paired_difference(*pair))]
    if not counts or min(counts) >= FEWEST_CASES:
        return ""
    return f", of {plural(min(counts), 'case')}: too few for an interval."


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
        summary = summarize(list(row_values(arm.run, name).values()))
        row.append(Cell(percent_with_deviation(summary), kind, f"{summary.count} cases"))
    for arm, reference in comparison.differences:
        paired = paired_difference(row_values(arm.run, name), row_values(reference.run, name))
        if paired is None:
            row += [UNDEFINED] * (2 if comparison.several else 3)
            continue
        strength = "clear" if paired.significant else ""
        means = _mean(arm, name), _mean(reference, name)
        points = signed_points(paired.mean, between=means)
        row += [
            Cell(points, f"{kind} {strength}".strip(), f"{paired.count} cases"),
            interval_cell(paired, kind),
        ]
        row += [] if comparison.several else [Cell(probability(paired.p_value), kind)]
    return row


def _mean(arm: Arm, name: str) -> float:
    return summarize(list(row_values(arm.run, name).values())).mean


def interval_cell(paired: PairedDifference, kind: str = "") -> Cell:
    """An interval, with p on hovering; a dash, with why, where there are too few cases for both."""
    if math.isnan(paired.low):
        return Cell(UNDEFINED, kind, f"{plural(paired.count, 'case')}: too few for an interval")
    return Cell(interval(paired), kind, f"p {probability(paired.p_value)}")


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
        dice_of_arms = [mean.get(case, math.nan) for mean in means]
        row: list[Cell | str] = [case, *(_dice(mean) for mean in dice_of_arms)]
        for arm, reference in comparison.differences:
            pair = dice_of_arms[arm.place], dice_of_arms[reference.place]
            row.append(signed_points(pair[0] - pair[1], between=pair))
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
    caption = f"Differences are against {comparison.first.name}{too_few(comparison) or '.'}"
    return table(header, rows, caption=caption)


def _summary_row(arm: Arm, comparison: Comparison) -> list[Cell | str]:
    scores = per_case(arm.run)
    difference = paired_difference(scores, per_case(comparison.first.run))
    if arm is comparison.first or difference is None:
        paired: list[Cell | str] = [UNDEFINED, UNDEFINED]
    else:
        kind = "clear" if difference.significant else ""
        means = mean_dice(arm.run), mean_dice(comparison.first.run)
        paired = [
            Cell(signed_points(difference.mean, between=means), kind),
            interval_cell(difference),
        ]
    return [
        arm.name,
        str(len(scores)),
        percent(mean_dice(arm.run)),
        *paired,
        decimal(summarize(list(per_case(arm.run, "distance").values())).mean),
        percent(registration_means(arm.run.pairs).dice_after),
        duration(arm.run.details.get("seconds")),
    ]
