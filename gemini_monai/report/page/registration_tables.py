"""Tables of registration: means of every arm, and every pair."""

from __future__ import annotations

import math

from gemini_monai.report.figures.wording import (
    UNDEFINED,
    decimal,
    decimal_with_deviation,
    percent,
    percent_with_deviation,
    signed_points,
)
from gemini_monai.report.page.elements import Cell, Table, table
from gemini_monai.report.page.score_tables import interval_cell
from gemini_monai.report.read.case_scores import registration_means
from gemini_monai.report.read.comparison import Arm, Comparison
from gemini_monai.report.read.paired_statistics import Summary, paired_difference, summarize
from gemini_monai.report.read.run_contents import RegisteredPair, RunContents


def registration_table(comparison: Comparison) -> Table:
    """Means over the pairs of every arm; several runs with their paired difference."""
    arms = [arm for arm in comparison.arms if arm.run.pairs]
    header = ["run", "pairs", "Dice before (%)", "Dice after (%)", "folded (%)"]
    header += ["SD of log Jacobian", "error before (voxels)", "error after (voxels)"]
    header += ["difference after (points)", "95 % interval"] * comparison.several
    rows = [_registration_row(arm, comparison) for arm in arms]
    caption = "Mean ± standard deviation over the pairs; error: distance to the true displacement."
    return table(header, rows, caption=caption)


def _registration_row(arm: Arm, comparison: Comparison) -> list[Cell | str]:
    def summary_of(name: str) -> Summary:
        return summarize([float(getattr(pair, name)) for pair in arm.run.pairs])

    row: list[Cell | str] = [arm.name, str(len(arm.run.pairs))]
    row += [percent_with_deviation(summary_of(name)) for name in ("dice_before", "dice_after")]
    row += [decimal_with_deviation(summary_of("folding_percent")), _log_jacobian(arm.run)]
    row += [decimal_with_deviation(summary_of(name)) for name in ("error_before", "error_after")]
    return row + (_paired(arm, comparison.first) if comparison.several else [])


def _log_jacobian(run: RunContents) -> str:
    value = run.registration.get("std_log_jacobian")
    value = value.get("mean") if isinstance(value, dict) else value
    return decimal(float(value)) if isinstance(value, (int, float)) else UNDEFINED


def _paired(arm: Arm, reference: Arm) -> list[Cell | str]:
    """Paired difference of Dice after registration, over the pairs that both made."""
    scores, others = (
        {f"{pair.moving} → {pair.fixed}": pair.dice_after for pair in each.run.pairs}
        for each in (arm, reference)
    )
    paired = paired_difference(scores, others) if arm is not reference else None
    if paired is None:
        return [UNDEFINED, UNDEFINED]
    means = [registration_means(each.run.pairs).dice_after for each in (arm, reference)]
    points = signed_points(paired.mean, between=(means[0], means[1]))
    return [points, interval_cell(paired)]


def pair_table(arm: Arm) -> Table:
    """Every registered pair, worst first."""
    pairs = sorted(
        arm.run.pairs, key=lambda pair: (not math.isnan(pair.dice_after), pair.dice_after)
    )
    header = ["moving", "fixed", "Dice before", "Dice after", "change (points)", "folded (%)"]
    header += ["error before (voxels)", "error after (voxels)"]
    caption = f"Every registered pair of {arm.name}, worst first."
    return table(header, [_pair_row(pair) for pair in pairs], caption=caption, kind="tall")


def _pair_row(pair: RegisteredPair) -> list[Cell | str]:
    return [
        pair.moving,
        Cell(pair.fixed, "text"),
        percent(pair.dice_before),
        percent(pair.dice_after),
        signed_points(
            pair.dice_after - pair.dice_before, between=(pair.dice_after, pair.dice_before)
        ),
        decimal(pair.folding_percent),
        decimal(pair.error_before),
        decimal(pair.error_after),
    ]
