"""Which scans to label first: rules that pick scans by distances between their features.

Each takes a ``Pool`` and returns places of scans in the order in which to label them. All are
deterministic. Those that cover try to leave no scan far from a labeled one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gemini_monai.choosing.distances import Array, Places, weights_of
from gemini_monai.choosing.groups import grouped

NEAREST = 20
"""Scans of a group that say how dense it is around one, as in TypiClust."""


@dataclass(frozen=True)
class Pool:
    """Scans to choose from, as the rules see them."""

    between: Array
    """Distances, (n, n)."""
    patients: NDArray[Any]
    """Patient of each scan, (n,)."""
    eligible: NDArray[np.bool_]
    """Whether each may be chosen, (n,)."""
    covered: Sequence[int] = ()
    """Places of scans that have labels; they are never chosen."""
    seed: int = 0
    """Of the rule that draws."""

    @property
    def weights(self) -> Array:
        """What each scan counts: those of a patient one together, those that stand out nothing."""
        counts = self.eligible.copy()
        counts[list(self.covered)] = True
        weights = np.zeros(len(self.patients))
        weights[counts] = weights_of(self.patients[counts])
        return weights

    def open_to(self, chosen: Sequence[int]) -> NDArray[np.bool_]:
        """Which scans may come next: of patients without any so far, as long as there are some.

        Args:
            chosen: Places of those that were chosen.
        """
        taken = [*self.covered, *chosen]
        left = self.eligible.copy()
        left[taken] = False
        fresh = left & ~np.isin(self.patients, self.patients[taken])
        return fresh if fresh.any() else left


def at_random(pool: Pool, count: int) -> list[int]:
    """Draws patients, then a scan of each.

    Args:
        pool: Scans to choose from.
        count: How many.
    """
    random = np.random.default_rng(pool.seed)
    chosen: list[int] = []
    for _ in range(count):
        options = np.flatnonzero(pool.open_to(chosen))
        names = np.unique(pool.patients[options])
        name = names[random.integers(len(names))]
        chosen.append(int(random.choice(options[pool.patients[options] == name])))
    return chosen


def k_medoids(pool: Pool, count: int) -> list[int]:
    """Keeps the mean distance from a scan to the nearest chosen one small (facility location).

    Greedy, then one chosen scan at a time is exchanged as long as that helps (PAM, Kaufman and
    Rousseeuw, 1990). The order is that of the greedy rule among those that are chosen.

    Args:
        pool: Scans to choose from.
        count: How many.
    """
    chosen = _exchanged(pool, _greedy(pool, count, among=pool.eligible))
    among = np.zeros(len(pool.patients), dtype=bool)
    among[chosen] = True
    return _greedy(pool, count, among=among)


def k_center(pool: Pool, count: int) -> list[int]:
    """Takes the scan that is farthest from all chosen ones, after the most central one.

    Args:
        pool: Scans to choose from.
        count: How many.
    """
    chosen = [] if pool.covered else _greedy(pool, 1, among=pool.eligible)
    while len(chosen) < count:
        far = pool.between[:, [*pool.covered, *chosen]].min(axis=1)
        chosen.append(int(np.where(pool.open_to(chosen), far, -1).argmax()))
    return chosen


def typical_first(pool: Pool, count: int) -> list[int]:
    """Groups scans, and takes the one in the densest place of each group, the largest group first.

    As many groups as there are labels, those that have one already left out (TypiClust, Hacohen et
    al., ICML 2022; groups are of k-medoids here, so that distances suffice). Typicality is 1 over
    the mean distance to the ``NEAREST`` nearest scans of the group.

    Args:
        pool: Scans to choose from.
        count: How many.
    """
    weights = pool.weights
    groups = grouped(pool.between, weights, count + len(pool.covered))
    taken = set(groups[list(pool.covered)].tolist())
    sizes = np.bincount(groups, weights=weights)
    order = [int(g) for g in np.argsort(-sizes, kind="stable") if int(g) not in taken and sizes[g]]
    chosen: list[int] = []
    for group in order[:count]:
        options = pool.open_to(chosen) & (groups == group)
        if options.any():
            members = np.flatnonzero((groups == group) & (weights > 0))
            chosen.append(_densest(pool.between, members, options))
    rest = _greedy(pool, count, among=pool.eligible, start=chosen)
    return [*chosen, *rest[len(chosen) :]]


def _densest(between: Array, members: Places, options: NDArray[np.bool_]) -> int:
    """The scan with the smallest mean distance to its nearest fellows."""
    near = np.sort(between[np.ix_(members, members)], axis=1)[:, 1 : NEAREST + 1]
    means = near.mean(axis=1) if near.shape[1] else np.zeros(len(members))
    return int(members[np.where(options[members], means, np.inf).argmin()])


def _greedy(
    pool: Pool, count: int, *, among: NDArray[np.bool_], start: Sequence[int] = ()
) -> list[int]:
    """The scan next that brings the weighted distances down most, until there are enough."""
    chosen = list(start)
    weights = pool.weights
    nearest = _nearest(pool, chosen)
    while len(chosen) < count:
        options = np.flatnonzero(pool.open_to(chosen) & among)
        totals = weights @ np.minimum(nearest[:, None], pool.between[:, options])
        chosen.append(int(options[totals.argmin()]))
        nearest = np.minimum(nearest, pool.between[:, chosen[-1]])
    return chosen


def _nearest(pool: Pool, chosen: Sequence[int]) -> Array:
    """Distance of each scan to the nearest one with a label; beyond all others without any."""
    labeled = [*pool.covered, *chosen]
    farthest = np.full(len(pool.patients), pool.between.max() + 1)
    return pool.between[:, labeled].min(axis=1) if labeled else farthest


def _exchanged(pool: Pool, chosen: list[int]) -> list[int]:
    """The best exchange of one scan for another, as long as it brings the distances down."""
    weights = pool.weights
    best = float(weights @ _nearest(pool, chosen))
    while True:
        found = None
        for place in range(len(chosen)):
            others = [*chosen[:place], *chosen[place + 1 :]]
            options = np.flatnonzero(pool.open_to(others))
            nearest = _nearest(pool, others)
            totals = weights @ np.minimum(nearest[:, None], pool.between[:, options])
            if totals.min() < best - 1e-9 * max(best, 1):
                best, found = float(totals.min()), [*others, int(options[totals.argmin()])]
        if found is None:
            return chosen
        chosen = found


STRATEGIES: dict[str, Callable[[Pool, int], list[int]]] = {
    "k_medoids": k_medoids,
    "typical": typical_first,
    "k_center": k_center,
    "random": at_random,
}
"""Rules by name."""
