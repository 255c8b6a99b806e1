"""Groups of scans that lie together."""

from __future__ import annotations

import numpy as np

from gemini_monai.choosing.distances import Array, Places

ROUNDS = 100
"""Of the assignment to middles and the choice of middles, at most."""


def grouped(between: Array, weights: Array, count: int) -> Places:
    """Number of the group of each scan, (n,), by k-medoids.

    Middles are found one after the other, each where it brings the weighted distances down most,
    then moved to the middle of their group until nothing changes.

    Args:
        between: Distances, (n, n).
        weights: What each scan counts, (n,).
        count: How many groups; fewer where scans are the same.
    """
    middles = _first_middles(between, weights, count)
    groups = between[:, middles].argmin(axis=1)
    for _ in range(ROUNDS):
        moved = [
            _middle(between, weights, np.flatnonzero(groups == k)) for k in range(len(middles))
        ]
        if moved == middles:
            break
        middles = moved
        groups = between[:, middles].argmin(axis=1)
        kept = np.unique(groups)
        middles, groups = [middles[k] for k in kept], np.searchsorted(kept, groups)
    return groups


def _first_middles(between: Array, weights: Array, count: int) -> list[int]:
    nearest = np.full(len(between), between.max() + 1)
    middles: list[int] = []
    for _ in range(min(count, len(between))):
        totals = weights @ np.minimum(nearest[:, None], between)
        middles.append(int(totals.argmin()))
        nearest = np.minimum(nearest, between[:, middles[-1]])
        if nearest.max() <= 0:
            break
    return middles


def _middle(between: Array, weights: Array, members: Places) -> int:
    inside = between[np.ix_(members, members)]
    return int(members[(weights[members] @ inside).argmin()])
