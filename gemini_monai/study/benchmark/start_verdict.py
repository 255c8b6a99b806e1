"""Which weights to start from, by what a grid of fine-tunings came to, in one sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gemini_monai.report.figures.wording import plural, probability, signed_points
from gemini_monai.study.benchmark.draws import FEWEST, DrawDifference
from gemini_monai.study.benchmark.grid import GridSpec
from gemini_monai.study.benchmark.grid_results import GridResults
from gemini_monai.study.benchmark.multiple_tests import LIMIT, holm
from gemini_monai.study.benchmark.result_rows import draw_difference, patients_of, scores_by_draw

SCRATCH = "none"
"""The source of an arm that starts from no weights."""


@dataclass(frozen=True)
class Gain:
    """What weights add to their own network.

    Attributes:
        name: Of the start.
        scratch: The arm of the same network that starts from no weights.
        difference: Of the two, over the draws that both have.
        p: Student's over draws, adjusted by Holm over the starts.
        means: Mean Dice of both, as the table has them.
    """

    name: str
    scratch: str
    difference: DrawDifference
    p: float
    means: tuple[float, float]

    @property
    def is_clear(self) -> bool:
        """Whether the weights help, by the interval and by the adjusted test."""
        return self.p < LIMIT and self.difference.low > 0

    def __str__(self) -> str:
        """Points, with the interval or draw by draw, and the scratch that they are over."""
        ends = (self.difference.low, self.difference.high)
        within = " to ".join(map(signed_points, ends))
        if math.isnan(ends[0]):
            within = ", ".join(map(signed_points, self.difference.per_draw.values()))
        tested = "" if math.isnan(self.p) else f", p {probability(self.p)}"
        points = signed_points(self.difference.mean, between=self.means)
        return f"{self.name} {points} points of Dice over {self.scratch} ({within}{tested})"


def own_scratch(spec: GridSpec, arm: str) -> str:
    """The arm that starts from no weights with the network of an arm.

    Args:
        spec: What was compared; where several say the same of their network, the first is meant.
        arm: Its name.
    """
    words: Mapping[str, Sequence[str]] = {spec.baseline: (SCRATCH,), **spec.given}
    own = tuple(words[arm][1:])
    return next(a for a, w in words.items() if w[0] == SCRATCH and tuple(w[1:]) == own)


def gains(results: GridResults) -> list[Gain]:
    """Of every start that has a draw in common with its scratch, in the order of the command.

    Args:
        results: Of the suite ``starts``, on one data set with one number of labels.
    """
    spec, finished = results.spec, results.finished
    scores = {
        arm: scores_by_draw([run for run in finished if run.method == arm], finished)
        for arm in spec.arms
    }
    patients = patients_of(spec, spec.tested[0])
    scratch = {arm: own_scratch(spec, arm) for arm in spec.arms}
    found = {
        arm: draw_difference(scores, arm, other, patients=patients)
        for arm, other in scratch.items()
    }
    known = {arm: own for arm, own in found.items() if own is not None}
    adjusted = holm([own.p_value for own in known.values()])
    means = {row.method: row.mean for row in results.rows}
    return [
        Gain(arm, scratch[arm], own, p, (means[arm], means[scratch[arm]]))
        for (arm, own), p in zip(known.items(), adjusted, strict=True)
    ]


def verdict(results: GridResults) -> str:
    """Which to take, or that none helps; what is too little for either is told as that.

    Weights are taken where they help their own network clearly, and no network does better from
    scratch.

    Args:
        results: As of ``gains``.
    """
    missing = [row.method for row in results.rows if row.missing]
    if missing:
        return f"No verdict: runs of {', '.join(missing)} are missing."
    draws, labels = len(results.spec.draws), results.spec.labels[0]
    known = sorted(gains(results), key=lambda gain: -gain.difference.mean)
    if draws < FEWEST:
        told = "; ".join(map(str, known))
        return (
            f"An anecdote of {plural(draws, 'draw')} and no verdict: {told}. Give --draws "
            f"{FEWEST} to decide."
        )
    means = {row.method: row.mean for row in results.rows}
    clear = sorted((g for g in known if g.is_clear), key=lambda gain: -means[gain.name])
    if not clear:
        return (
            f"None helps here with {labels} labels; do not spend GPU days. The best of {draws} "
            f"draws: {known[0]}."
        )
    scratch = max({gain.scratch for gain in known}, key=lambda arm: means[arm])
    if means[clear[0].name] < means[scratch]:
        return (
            f"Take none, but the network of {scratch}, which is higher from scratch: {clear[0]}, "
            f"{draws} draws."
        )
    return f"Take {clear[0].name}: {clear[0]}, {draws} draws."
