"""Means, spreads and paired differences of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import wilcoxon

RESAMPLES = 10_000


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
    are NaN with fewer than two pairs. In ``higher`` of the ``count`` pairs the score is above the
    reference, in ``lower`` below.
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


def summarize(values: Sequence[float]) -> Summary:
    """Mean and spread of the values that are not NaN; NaN where there are too few."""
    kept = np.array([value for value in values if not np.isnan(value)], dtype=float)
    mean = float(kept.mean()) if kept.size else float("nan")
    std = float(kept.std(ddof=1)) if kept.size > 1 else float("nan")
    return Summary(mean=mean, std=std, count=int(kept.size))


def paired_difference(
    scores: Mapping[str, float], reference: Mapping[str, float], *, seed: int = 0
) -> PairedDifference | None:
    """How much higher ``scores`` are than ``reference``, case by case.

    Args:
        scores: Value per case.
        reference: Value per case of what is compared against.
        seed: Fixes the resampling (percentile bootstrap over cases, 10,000 resamples).

    Returns:
        The difference over the cases that are defined in both, or None if there is none.
    """
    pairs = [
        scores[case] - reference[case]
        for case in scores
        if case in reference and np.isfinite(scores[case]) and np.isfinite(reference[case])
    ]
    if not pairs:
        return None
    differences = np.array(pairs)
    low, high = _bootstrap_interval(differences, seed=seed)
    return PairedDifference(
        mean=float(differences.mean()),
        low=low,
        high=high,
        p_value=_wilcoxon(differences),
        count=len(pairs),
        higher=int((differences > 0).sum()),
        lower=int((differences < 0).sum()),
    )


def _bootstrap_interval(differences: np.ndarray, *, seed: int) -> tuple[float, float]:
    """2.5th and 97.5th percentile of the mean over resampled cases."""
    count = differences.size
    if count < 2:
        return float("nan"), float("nan")
    generator = np.random.default_rng(seed)
    means = np.concatenate(  # in chunks: a thousand cases would otherwise take 80 MB
        [
            differences[generator.integers(count, size=(RESAMPLES // 10, count))].mean(axis=1)
            for _ in range(10)
        ]
    )
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _wilcoxon(differences: np.ndarray) -> float:
    """Two-sided signed-rank p; 1 when no case differs."""
    if differences.size < 2:
        return float("nan")
    if not differences.any():
        return 1.0
    return float(wilcoxon(differences).pvalue)
