"""The rows of a benchmark as people read them, and as a CSV has them."""

from __future__ import annotations

import math

from gemini_monai.report.figures.wording import signed_points
from gemini_monai.report.read import summarize
from gemini_monai.study.benchmark.draws import DrawDifference
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
    "optimizer steps",
    "CPU min",
)


def cells(row: ResultRow, *, baseline: float = math.nan, best: float = math.nan) -> list[str]:
    """The row as texts, in the order of ``HEADER``.

    Args:
        row: The row.
        baseline: Mean Dice that stands beside the difference to it; NaN for none.
        best: The same of the best of the others.
    """
    if not row.dice:
        failed = set(row.missing.values()) - {NOT_RUN}
        return [row.method, "failed" if failed else NOT_RUN, *[""] * (len(HEADER) - 2)]
    dice_summary = summarize(list(row.dice.values()))
    dice = f"{100 * dice_summary.mean:.1f}"
    dice += f" ± {100 * dice_summary.std:.1f}" if dice_summary.count > 1 else ""
    draws = len(row.dice.keys() | row.missing.keys())
    dice += f" ({len(row.dice)} of {draws} draws)" if row.missing else ""
    rank, first = row.rank
    differences = [
        _points(row.to_baseline, (row.mean, baseline)),
        _points(row.to_best, (row.mean, best)),
    ]
    numbers = [f"{rank:.1f}", f"{100 * first:.0f}"]
    numbers += [f"{row.optimizer_steps:.0f}", f"{row.cpu_minutes:.1f}"]
    texts = [dice, *differences, f"{row.p:.2g}", *numbers]
    return [row.method, *("" if text == "nan" else text for text in texts)]


def failures(row: ResultRow) -> list[str]:
    """Why runs of the row are not there, a sentence each; one where all say the same."""
    said = dict.fromkeys(row.missing.values())
    if len(row.missing) > 1 and len(said) == 1:
        draws = ", ".join(map(str, row.missing))
        return [f"{row.method}, draws {draws}: {next(iter(said))}"]
    return [f"{row.method}, draw {draw}: {text}" for draw, text in row.missing.items()]


def _points(difference: DrawDifference | None, means: tuple[float, float]) -> str:
    """With its interval, or draw by draw where there are too few for one."""
    if difference is None:
        return ""
    points = [signed_points(value) for value in (difference.low, difference.high)]
    within = " to ".join(points)
    if math.isnan(difference.low):
        within = ", ".join(map(signed_points, difference.per_draw.values()))
    return f"{signed_points(difference.mean, between=means)} ({within})"


def as_numbers(row: ResultRow) -> dict[str, object]:
    """The row as a CSV has it: Dice and differences of Dice from 0 to 1, not rounded."""
    dice_summary = summarize(list(row.dice.values()))
    return {
        "data": row.data,
        "labels": row.labels,
        "method": row.method,
        "draws": len(row.dice),
        "dice": dice_summary.mean,
        "dice_std": dice_summary.std,
        **_numbers(row.to_baseline, "to_baseline"),
        **_numbers(row.to_best, "to_best_other"),
        "p_holm": row.p,
        "mean_rank": row.rank[0],
        "share_first": row.rank[1],
        "optimizer_steps": row.optimizer_steps,
        "cpu_minutes": row.cpu_minutes,
        **{f"dice_{k}": row.by_checkpoint.get(k, math.nan) for k in ("best", "last")},
        "dice_per_draw": " ".join(f"{dice:.4f}" for dice in row.dice.values()),
        "missing": "; ".join(failures(row)),
    }


def _numbers(difference: DrawDifference | None, name: str) -> dict[str, float]:
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
