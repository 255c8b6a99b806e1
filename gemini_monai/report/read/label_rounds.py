"""What more labels brought over runs of one data set, and what more of them may bring."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from gemini_monai.report.read.case_scores import mean_dice, per_case
from gemini_monai.report.read.comparison import Comparison
from gemini_monai.report.read.paired_statistics import summarize
from gemini_monai.report.read.run_contents import RunContents

COVERED = 0.8
"""Share of such forecasts whose interval is to hold what comes true."""
FEWEST = 3
"""Numbers of labels that a line is drawn through, at least."""


class Round(NamedTuple):
    """A run by what it was given."""

    name: str
    labels: int
    dice: float
    """Mean test Dice, 0 to 1."""
    minutes: float
    expected_test: float = math.nan
    """Mean Dice that the trust numbers expect of the test scans, 0 to 1; NaN where not all of them
    were looked at."""
    expected_unlabeled: float = math.nan
    """The same of the unlabeled scans that were looked at; NaN where none was."""


class Forecast(NamedTuple):
    """Test Dice with more labels, 0 to 1."""

    labels: int
    dice: float
    lower: float
    upper: float


def rounds_of(comparison: Comparison) -> list[Round]:
    """Runs of several numbers of labels that were tested on the same cases, the fewest first.

    None where there are fewer than two numbers, or other cases were tested.

    Args:
        comparison: Of runs.
    """
    runs = {arm.name: arm.run for arm in comparison.arms}
    tested = {frozenset(per_case(run)) for run in runs.values()}
    found = [
        Round(name, count, mean_dice(run), _minutes(run.details), *_expected(run))
        for name, run in runs.items()
        if (count := _labels(run.dataset))
    ]
    if len(tested) != 1 or frozenset() in tested or len({own.labels for own in found}) < 2:
        return []
    return sorted(found, key=lambda own: (own.labels, own.name))


def _labels(dataset: Mapping[str, Any]) -> int:
    """Images that were trained on with their label; 0 if the record does not say."""
    cases = dataset.get("cases")
    count = cases.get("labeled") if isinstance(cases, dict) else None
    return count if isinstance(count, int) else 0


def _expected(run: RunContents) -> tuple[float, float]:
    """Of the test scans, of which all are wanted beside their true Dice, and of unlabeled ones."""
    tested, unlabeled = (run.expected.get(part, {}) for part in ("test", "unlabeled"))
    whole = per_case(run).keys() <= tested.keys()
    own = [tested[case] for case in per_case(run)] if whole else []
    return summarize(own).mean, summarize(list(unlabeled.values())).mean


def _minutes(details: dict[str, object]) -> float:
    seconds = details.get("seconds")
    return float(seconds) / 60 if isinstance(seconds, (int, float)) else math.nan


def forecast(rounds: Sequence[Round], *, more: int) -> Forecast | None:
    """What so many labels more may bring, by a power law of the error.

    ``1 - Dice = a n^-b`` of ``n`` labels is a line in logarithms; the interval is that of one more
    run, by Student's t. ``None`` for fewer than three numbers of labels, or an error that does not
    fall.

    Args:
        rounds: As ``rounds_of`` gives them.
        more: Labels beyond the largest number, 1 or more.
    """
    labels = np.array([own.labels for own in rounds], dtype=float)
    errors = np.array([1 - own.dice for own in rounds])
    if len(set(labels)) < FEWEST or not bool((errors > 0).all()):
        return None
    x, y = np.log(labels), np.log(errors)
    line = stats.linregress(x, y)
    if line.slope >= 0:
        return None
    wanted = math.log(labels.max() + more)
    freedom = len(x) - 2
    residual = y - (line.intercept + line.slope * x)
    spread = math.sqrt(float((residual**2).sum()) / freedom)
    apart = (wanted - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum()
    times = float(stats.t.ppf((1 + COVERED) / 2, freedom))
    width = times * spread * math.sqrt(1 + 1 / len(x) + apart)
    middle = line.intercept + line.slope * wanted
    low, mid, high = (1 - math.exp(min(0.0, middle + step)) for step in (width, 0, -width))
    return Forecast(int(labels.max()) + more, mid, low, high)
