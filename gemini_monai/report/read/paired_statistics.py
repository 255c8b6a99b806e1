"""Means, spreads and paired differences of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import wilcoxon

RESAMPLES = 10_000
FEWEST_CASES = 3
"""Test cases, or patients, below which a difference has neither an interval nor a p."""


@dataclass(frozen=True)
class Summary:
    """Mean and sample standard deviation of the ``count`` values that are defined."""

    mean: float
    std: float
    count: int


@dataclass(frozen=True)
class PairedDifference:
    """Mean of a paired difference, its bootstrap 95 % interval and Wilcoxon's p.

    ``mean``, ``low`` and ``high`` have the unit of the scores; ``low``, ``high`` and ``p_value``
    are NaN with fewer than ``FEWEST_CASES``. In ``higher`` of the ``count`` pairs the score is
    above the reference, in ``lower`` below.
    """

    mean: float
    low: float
    high: float
    p_value: float
    count: int
    higher: int
    lower: int

    @property
    def clear(self) -> bool:
        """The interval leaves zero out."""
        return bool(self.low > 0 or self.high < 0)

    @property
    def significant(self) -> bool:
        """The interval leaves zero out, and p is below 0.05, which takes six cases."""
        return self.clear and self.p_value < 0.05


def summarize(values: Sequence[float]) -> Summary:
    """Mean and spread of the values that are not NaN; NaN where there are too few."""
    kept = np.array([value for value in values if not np.isnan(value)], dtype=float)
    mean = float(kept.mean()) if kept.size else float("nan")
    std = float(kept.std(ddof=1)) if kept.size > 1 else float("nan")
    return Summary(mean=mean, std=std, count=int(kept.size))


def paired_difference(
    scores: Mapping[str, float],
    reference: Mapping[str, float],
    *,
    patients: Mapping[str, str] | None = None,
    seed: int = 0,
) -> PairedDifference | None:
    """How much higher ``scores`` are than ``reference``, case by case.

    Args:
        scores: Value per case.
        reference: Value per case of what is compared against.
        patients: Patient per case, where one has several: all of a patient's cases are resampled
            together, and each patient counts once for p. A case without one is its own.
        seed: Fixes the resampling (percentile bootstrap, 10,000 resamples).

    Returns:
        The difference over the cases that are defined in both, or None if there is none.
    """
    by_case = {
        case: scores[case] - reference[case]
        for case in scores
        if case in reference and np.isfinite(scores[case]) and np.isfinite(reference[case])
    }
    if not by_case:
        return None
    by_patient: dict[str, list[float]] = {}
    for case, value in by_case.items():
        by_patient.setdefault((patients or {}).get(case, case), []).append(value)
    totals = np.array([sum(values) for values in by_patient.values()])
    counts = np.array([len(values) for values in by_patient.values()])
    low, high = _bootstrap_interval(totals, counts, seed=seed)
    differences = np.array(list(by_case.values()))
    return PairedDifference(
        mean=float(differences.mean()),
        low=low,
        high=high,
        p_value=_wilcoxon(totals / counts),
        count=len(by_case),
        higher=int((differences > 0).sum()),
        lower=int((differences < 0).sum()),
    )


def _bootstrap_interval(
    totals: np.ndarray, counts: np.ndarray, *, seed: int
) -> tuple[float, float]:
    """2.5th and 97.5th percentile of the mean over cases, patients being resampled.

    Args:
        totals: Sum of each patient's differences.
        counts: How many each patient has.
        seed: Of the resampling.
    """
    size = totals.size
    if size < FEWEST_CASES:
        return float("nan"), float("nan")
    generator = np.random.default_rng(seed)
    means = []
    for _ in range(10):  # in chunks: a thousand patients would otherwise take 80 MB
        drawn = generator.integers(size, size=(RESAMPLES // 10, size))
        means.append(totals[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return float(low), float(high)


def _wilcoxon(differences: np.ndarray) -> float:
    """Two-sided signed-rank p; 1 when no case differs."""
    if differences.size < FEWEST_CASES:
        return float("nan")
    if not differences.any():
        return 1.0
    return float(wilcoxon(differences).pvalue)
