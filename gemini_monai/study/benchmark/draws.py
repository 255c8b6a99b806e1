"""Differences between systems over draws of the labeled images and over patients, both resampled.

Which images are labeled moves a result more than anything else here, so an interval that only
resamples patients is too narrow. Draws are few; a percentile interval of few values is too narrow
as well, and its percentiles are moved outwards after Hesterberg (2015, "What teachers should know
about the bootstrap", section 5.3).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy import stats

FEWEST = 5
"""Draws below which there is neither an interval nor a test: an anecdote."""
RESAMPLES = 10_000
LEVEL = 0.95

CaseScores: TypeAlias = Mapping[str, float]
DrawScores: TypeAlias = Mapping[int, CaseScores]
"""Value per case, by draw."""


@dataclass(frozen=True)
class DrawDifference:
    """How much higher one system is than another.

    Attributes:
        per_draw: Mean difference over the cases of each draw that both have, by draw.
        low: Lower end of the interval over draws and patients; NaN below ``FEWEST`` draws.
        high: Its upper end.
        p_value: Of Student's paired t-test over draws, two-sided; NaN below ``FEWEST`` draws.
    """

    per_draw: Mapping[int, float]
    low: float
    high: float
    p_value: float

    @property
    def mean(self) -> float:
        """Mean over draws."""
        return float(np.mean(list(self.per_draw.values())))


class Resampled:
    """Means of several systems under one resampling of draws and of patients.

    Args:
        scores: Of each system, by draw and case; all of the same draws. Cases that are not defined
            in all of them are left out; where no two draws have a case in common, as of folds,
            those that are not defined in all systems, and the patients of a draw are resampled
            whenever it is.
        patients: Patient per case, all of whose cases are resampled together; a case without one
            is its own.
        seed: Of the resampling.
        resamples: How many.

    Attributes:
        names: Of the systems.
        draws: That all of them have.
        means: (systems, resamples); no resamples below ``FEWEST`` draws.
        per_draw: (systems, draws), mean over cases.
    """

    def __init__(
        self,
        scores: Mapping[str, DrawScores],
        *,
        patients: Mapping[str, str],
        seed: int = 0,
        resamples: int = RESAMPLES,
    ) -> None:
        self.names = list(scores)
        self.draws = sorted(set.intersection(*(set(by_draw) for by_draw in scores.values())))
        blocks = _blocks(scores, names=self.names, draws=self.draws)
        self.per_draw = np.concatenate([_means(values) for values, _ in blocks], axis=1)
        self.means = np.empty((len(self.names), 0))
        if len(self.draws) >= FEWEST and not np.isnan(self.per_draw).any():
            owned = [(values, [patients.get(c, c) for c in cases]) for values, cases in blocks]
            self.means = _resample(owned, seed=seed, resamples=resamples)

    def difference(self, name: str, other: str) -> DrawDifference:
        """Of two of the systems."""
        one, two = self.names.index(name), self.names.index(other)
        own = self.per_draw[one] - self.per_draw[two]
        return self._difference(own, self.means[one] - self.means[two], p_value=student(own))

    def to_best_other(self, name: str) -> DrawDifference:
        """To the best of the others, which is chosen again in each resample; without a test."""
        place = self.names.index(name)
        others = [k for k in range(len(self.names)) if k != place]
        best = max(others, key=lambda k: self.per_draw[k].mean())
        own = self.per_draw[place] - self.per_draw[best]
        resampled = self.means[place] - self.means[others].max(axis=0, initial=-math.inf)
        return self._difference(own, resampled, p_value=math.nan)

    def ranks(self) -> dict[str, tuple[float, float]]:
        """Mean rank of each (1 is best, ties share), and the share of resamples it is first in.

        Below ``FEWEST`` draws the rank of its mean, and NaN.
        """
        resampled = self.means.shape[1] > 0
        means = self.means if resampled else self.per_draw.mean(axis=1, keepdims=True)
        higher = (means[:, None] < means[None]).sum(axis=1)
        equal = (means[:, None] == means[None]).sum(axis=1) - 1
        ranks = 1 + higher + equal / 2
        first = (ranks == 1).mean(axis=1) if resampled else np.full(len(ranks), np.nan)
        return {
            name: (float(rank), float(share))
            for name, rank, share in zip(self.names, ranks.mean(axis=1), first, strict=True)
        }

    def _difference(
        self, own: np.ndarray, resampled: np.ndarray, *, p_value: float
    ) -> DrawDifference:
        low, high = expanded_interval(resampled, draws=len(self.draws))
        per_draw = dict(zip(self.draws, own.tolist(), strict=True))
        return DrawDifference(per_draw=per_draw, low=low, high=high, p_value=p_value)


def expanded_interval(
    values: np.ndarray, *, draws: int, level: float = LEVEL
) -> tuple[float, float]:
    """Percentiles of resampled means, as far out as an interval of few draws has to reach.

    Of n draws they are ``Phi(-+ sqrt(n / (n - 1)) t)`` with the quantile t of Student's
    distribution of n - 1 degrees of freedom, so that means of normal values get Student's interval.

    Args:
        values: Of the resamples; without one, the ends are NaN.
        draws: How many values each is a mean of.
        level: Of confidence.
    """
    if not len(values):
        return math.nan, math.nan
    quantile = stats.t.ppf((1 - level) / 2, draws - 1) * math.sqrt(draws / (draws - 1))
    tail = 100 * stats.norm.cdf(quantile)
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def student(differences: Sequence[float] | np.ndarray) -> float:
    """P of Student's paired t-test, two-sided; NaN below ``FEWEST`` differences."""
    found = np.asarray(differences, dtype=float)
    if len(found) < FEWEST or not np.isfinite(found).all():
        return math.nan
    if np.ptp(found) == 0:
        return 1.0 if found[0] == 0 else 0.0
    return float(stats.ttest_1samp(found, 0.0).pvalue)


def _shared_cases(scores: Sequence[CaseScores]) -> list[str]:
    """Cases that all have and that are defined in all, in the order of the first."""
    return [
        case
        for case in (scores[0] if scores else ())
        if all(math.isfinite(of_one.get(case, math.nan)) for of_one in scores)
    ]


Block: TypeAlias = tuple[np.ndarray, list[str]]
"""Values (systems, draws, cases) of draws that were tested on the same cases, and these."""


def _blocks(
    scores: Mapping[str, DrawScores], *, names: Sequence[str], draws: Sequence[int]
) -> list[Block]:
    """One of all draws, or, where each was tested on other cases, one of each."""
    tested = [set(scores[names[0]][draw]) for draw in draws]
    apart = len(draws) > 1 and len(set.union(*tested)) == sum(map(len, tested))
    groups = [[draw] for draw in draws] if apart else [list(draws)]
    return [_block(scores, names=names, draws=group) for group in groups]


def _block(
    scores: Mapping[str, DrawScores], *, names: Sequence[str], draws: Sequence[int]
) -> Block:
    cases = _shared_cases([scores[name][draw] for name in names for draw in draws])
    values = [[[scores[n][d][c] for c in cases] for d in draws] for n in names]
    return np.array(values, dtype=float), cases


def _means(values: np.ndarray) -> np.ndarray:
    """Over cases, (systems, draws); NaN without one."""
    return values.mean(axis=2) if values.shape[2] else np.full(values.shape[:2], np.nan)


def _resample(blocks: Sequence[Block], *, seed: int, resamples: int) -> np.ndarray:
    """Means (systems, resamples) of blocks, with the owner of each case in its place."""
    generator = np.random.default_rng(seed)
    draws = sum(values.shape[1] for values, _ in blocks)
    by_draw = generator.multinomial(draws, np.full(draws, 1 / draws), resamples) / draws
    means, first = np.zeros((len(blocks[0][0]), resamples)), 0
    for values, owners in blocks:
        groups = {owner: k for k, owner in enumerate(dict.fromkeys(owners))}
        member = np.eye(len(groups))[[groups[owner] for owner in owners]]  # (cases, patients)
        chance = np.full(len(groups), 1 / len(groups))
        by_patient = generator.multinomial(len(groups), chance, resamples)
        share = by_draw[:, first : first + values.shape[1]]
        sums = np.einsum("sdr,rd->sr", values @ member @ by_patient.T, share)
        means += sums / (by_patient @ member.sum(axis=0))
        first += values.shape[1]
    return means
