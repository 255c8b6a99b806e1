"""What the scores of a run come to: per case, per structure, over all, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gemini_monai.report.read.paired_statistics import summarize
from gemini_monai.report.read.run_contents import RegisteredPair, RunContents, Score

MEAN_ROW = "mean over structures"


class RegistrationMeans(NamedTuple):
    """Means over registered pairs, in the units of ``RegisteredPair``; NaN where none is known."""

    dice_before: float
    dice_after: float
    folding_percent: float
    error_before: float
    error_after: float


def per_structure(run: RunContents, structure: str, quantity: str = "dice") -> dict[str, float]:
    """Value of one structure in each case, NaN where it is not defined.

    Args:
        run: The run whose test it is.
        structure: One of ``run.structures``.
        quantity: A number of ``Score``, such as ``"dice"``.
    """
    return {s.case: float(getattr(s, quantity)) for s in run.scores if s.structure == structure}


def per_case(run: RunContents, quantity: str = "dice") -> dict[str, float]:
    """Mean over the structures that are defined in each case, NaN where none is.

    Args:
        run: The run whose test it is.
        quantity: A number of ``Score``, such as ``"dice"``.
    """
    return {
        case: summarize([float(getattr(score, quantity)) for score in scores]).mean
        for case, scores in by_case(run).items()
    }


def by_case(run: RunContents) -> dict[str, list[Score]]:
    """Scores of each case, in the file's order."""
    cases: dict[str, list[Score]] = {}
    for score in run.scores:
        cases.setdefault(score.case, []).append(score)
    return cases


def worst_first(values: Mapping[str, float]) -> list[str]:
    """Cases from the lowest value to the highest; a value that is not defined comes first."""
    return sorted(values, key=lambda case: (not np.isnan(values[case]), values[case], case))


def worst_median_best(values: Mapping[str, float]) -> dict[str, str]:
    """The worst, the median and the best case, worst first, none twice."""
    ordered = worst_first(values)
    if not ordered:
        return {}
    last = len(ordered) - 1
    places = {"worst": 0, "median": last // 2, "best": last}
    chosen: dict[str, str] = {}
    for name, place in places.items():
        if ordered[place] not in chosen.values():
            chosen[name] = ordered[place]
    return chosen


def row_values(run: RunContents, row: str) -> dict[str, float]:
    """Dice, 0 to 1, per case of a structure, or of the mean over structures (``MEAN_ROW``)."""
    return per_case(run) if row == MEAN_ROW else per_structure(run, row)


def mean_dice(run: RunContents) -> float:
    """Mean over cases of the mean over each case's structures, 0 to 1; NaN without a case."""
    return summarize(list(per_case(run).values())).mean


def registration_means(pairs: Sequence[RegisteredPair]) -> RegistrationMeans:
    """Means over pairs of all that is known of each."""
    columns = {name: [float(getattr(p, name)) for p in pairs] for name in RegistrationMeans._fields}
    return RegistrationMeans(**{name: summarize(column).mean for name, column in columns.items()})
