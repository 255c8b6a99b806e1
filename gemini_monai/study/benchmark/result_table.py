"""The rows of a benchmark as people read them, and as a CSV has them."""

from __future__ import annotations

import math

from gemini_monai.report.figures.wording import interval, signed_points
from gemini_monai.report.read import PairedDifference, summarize
from gemini_monai.study.benchmark.grid_run import NOT_RUN
from gemini_monai.study.benchmark.result_rows import ResultRow
from gemini_monai.study.benchmark.tuning import Trial

HEADER = (
    "method",
    "test Dice, %",
    "to baseline, points",
    "to best other, points",
    "p (Holm)",
    "mean rank",
    "first, %",
    "CPU min",
)


def cells(row: ResultRow) -> list[str]:
    """The row as texts, in the order of ``HEADER``."""
    if not row.dice:
        failed = set(row.missing.values()) - {NOT_RUN}
        return [row.method, "failed" if failed else NOT_RUN, *[""] * (len(HEADER) - 2)]
    dice_summary = summarize(row.dice)
    dice = f"{100 * dice_summary.mean:.1f}"
    dice += f" ± {100 * dice_summary.std:.1f}" if dice_summary.count > 1 else ""
    seeds = len(row.dice) + len(row.missing)
    dice += f" ({len(row.dice)} of {seeds} seeds)" if row.missing else ""
    rank, first = row.rank
    differences = [_points(row.to_baseline), _points(row.to_best)]
    numbers = [f"{rank:.1f}", f"{100 * first:.0f}", f"{row.cpu_minutes:.1f}"]
    texts = [dice, *differences, f"{row.p:.2g}", *numbers]
    return [row.method, *("" if text == "nan" else text for text in texts)]


def failures(row: ResultRow) -> list[str]:
    """Why runs of the row are not there, a sentence each; one where all say the same."""
    said = dict.fromkeys(row.missing.values())
    if len(row.missing) > 1 and len(said) == 1:
        seeds = ", ".join(map(str, row.missing))
        return [f"{row.method}, seeds {seeds}: {next(iter(said))}"]
    return [f"{row.method}, seed {seed}: {text}" for seed, text in row.missing.items()]


def _points(difference: PairedDifference | None) -> str:
    return (
        "" if difference is None else f"{signed_points(difference.mean)} ({interval(difference)})"
    )


def as_numbers(row: ResultRow) -> dict[str, object]:
    """The row as a CSV has it: Dice and differences of Dice from 0 to 1, not rounded."""
    dice_summary = summarize(row.dice)
    return {
        "data": row.data,
        "labels": row.labels,
        "method": row.method,
        "seeds": len(row.dice),
        "dice": dice_summary.mean,
        "dice_std": dice_summary.std,
        **_numbers(row.to_baseline, "to_baseline"),
        **_numbers(row.to_best, "to_best_other"),
        "p_holm": row.p,
        "mean_rank": row.rank[0],
        "share_first": row.rank[1],
        "cpu_minutes": row.cpu_minutes,
        "dice_per_seed": " ".join(f"{dice:.4f}" for dice in row.dice),
        "missing": "; ".join(failures(row)),
    }


def _numbers(difference: PairedDifference | None, name: str) -> dict[str, float]:
    ends = {"": math.nan, "_low": math.nan, "_high": math.nan}
    if difference is not None:
        ends = {"": difference.mean, "_low": difference.low, "_high": difference.high}
    return {name + end: value for end, value in ends.items()}


def trial_as_numbers(trial: Trial, *, chosen: bool) -> dict[str, object]:
    """A trial of the tuning as a CSV has it.

    Args:
        trial: An arm with one candidate.
        chosen: Whether the grid goes on with it.
    """
    return {
        "data": trial.run.data,
        "labels": trial.run.labels,
        "method": trial.run.method,
        "seed": trial.run.seed,
        "candidate": trial.candidate,
        "validation_dice": trial.dice,
        "cpu_minutes": trial.cpu_minutes,
        "chosen": "yes" if chosen else "no",
        "missing": trial.said,
        "run": trial.run.name,
    }
