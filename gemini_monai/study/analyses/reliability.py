"""Whether a training that starts from other weights comes to the same scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import pearsonr

from gemini_monai.base.errors import InputError
from gemini_monai.report.read import per_case, read_run
from gemini_monai.study.analyses.analysis import Analysis

FEWEST = 3
"""Cases, below which a correlation says nothing."""


def reliability(first: str | Path, second: str | Path) -> Analysis:
    """Agreement of two runs' test Dice, case by case (table 10).

    - Pearson's ``r`` and its p, as in the paper. It does not see that one run is better than the
      other by the same amount everywhere.
    - ``ICC(2,1)``, two-way random effects, absolute agreement of single runs (Shrout and Fleiss,
      1979): ``(R - E) / (R + (k - 1) E + k (C - E) / n)`` with the mean squares of ``n`` cases
      ``R``, of ``k = 2`` runs ``C``, and of the rest ``E``.
    - Bland and Altman's bias, the mean difference, and its limits of agreement, 1.96 standard
      deviations to each side (1986).

    Args:
        first: Folder of a tested run.
        second: Another one of the same test images.

    Raises:
        InputError: If a folder is no run, or fewer than three cases have a Dice in both.
    """
    scores = [per_case(read_run(Path(run))) for run in (first, second)]
    cases = [
        c for c in scores[0] if np.isfinite([by_case.get(c, np.nan) for by_case in scores]).all()
    ]
    if len(cases) < FEWEST:
        raise InputError(
            f"{second}: {len(cases)} test cases in common with {first}, expected {FEWEST} or more"
        )
    dice = np.array([[by_case[case] for by_case in scores] for case in cases])
    agreement = measures(dice)
    settings = {"first": str(first), "second": str(second), "cases": len(cases)}
    return Analysis(
        name="reliability",
        rows=[
            {"case": case, "first": a, "second": b, "difference": a - b}
            for case, (a, b) in zip(cases, dice.tolist(), strict=True)
        ],
        sentences=[
            f"{len(cases)} cases: Pearson's r {agreement['r']:.3f} (p {agreement['p']:.1g}), "
            f"ICC(2,1) {agreement['icc']:.3f}",
            f"bias {100 * agreement['bias']:+.1f} points of Dice, limits of agreement "
            f"{100 * agreement['low']:+.1f} to {100 * agreement['high']:+.1f}",
        ],
        figure=_figure(dice, agreement),
        settings=settings | agreement,
    )


def measures(dice: np.ndarray) -> dict[str, float]:
    """``r``, ``p``, ``icc``, ``bias``, ``low`` and ``high`` of scores (cases, 2).

    NaN where scores that do not vary leave one undefined.
    """
    cases, runs = dice.shape
    mean = dice.mean()
    rows = runs * np.square(dice.mean(axis=1) - mean).sum() / (cases - 1)
    columns = cases * np.square(dice.mean(axis=0) - mean).sum() / (runs - 1)
    rest = dice - dice.mean(axis=1, keepdims=True) - dice.mean(axis=0) + mean
    error = np.square(rest).sum() / ((cases - 1) * (runs - 1))
    whole = rows + (runs - 1) * error + runs * (columns - error) / cases
    difference = dice[:, 0] - dice[:, 1]
    bias, reach = difference.mean(), 1.96 * difference.std(ddof=1)
    varies = (dice.std(axis=0) > 0).all()
    r, p = pearsonr(*dice.T) if varies else (np.nan, np.nan)
    agreement = {"r": r, "p": p, "icc": (rows - error) / whole if whole else np.nan}
    agreement |= {"bias": bias, "low": bias - reach, "high": bias + reach}
    return {name: float(value) for name, value in agreement.items()}


def _figure(dice: np.ndarray, agreement: dict[str, float]) -> Figure:
    """The two scores of each case, and their difference over their mean."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    points = 100 * dice
    ends = [points.min() - 1, points.max() + 1]
    left.plot(ends, ends, color="0.7", linewidth=1)
    left.plot(*points.T, "o", markersize=4)
    left.set(xlabel="test Dice of the first run, %", ylabel="of the second, %")
    right.plot(points.mean(axis=1), points[:, 0] - points[:, 1], "o", markersize=4)
    for name, line in (("bias", "-"), ("low", "--"), ("high", "--")):
        right.axhline(100 * agreement[name], color="0.4", linestyle=line, linewidth=1)
    right.set(xlabel="mean of both, %", ylabel="first minus second, points")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure
