"""Distances between scans by their features, and which scans stand out."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]

NEIGHBORS = 5
"""Nearest scans of other patients that say how far out a scan lies."""
FEWEST = 20
"""Scans below which none is said to stand out: the spread of so few says little."""
FAR = 3.5
"""Robust standard deviations from which a scan stands out (Iglewicz and Hoaglin, 1993)."""
COMPONENTS = 32
"""Principal components that are kept at most."""


def principal_components(features: NDArray[Any], count: int = COMPONENTS) -> Array:
    """Coordinates of each scan along the directions in which scans differ most, (n, K).

    Args:
        features: One vector a scan, (n, F).
        count: Directions at most. The first ones of one call are those of any other.
    """
    centered = np.asarray(features, dtype=np.float64)
    centered = centered - centered.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centered, full_matrices=False)
    found = left * sizes
    strongest = np.abs(found).argmax(axis=0)  # a direction's sign says nothing, so it is fixed
    signs = np.sign(found[strongest, np.arange(found.shape[1])])
    directions: Array = (found * np.where(signs == 0, 1, signs))[:, :count]
    return directions


def distances(features: NDArray[Any], others: NDArray[Any] | None = None) -> Array:
    """Euclidean distances, (n, m).

    Args:
        features: One vector a scan, (n, F).
        others: To which, (m, F); ``None`` for the same.
    """
    ours = np.asarray(features, dtype=np.float64)
    theirs = ours if others is None else np.asarray(others, dtype=np.float64)
    squares = (ours**2).sum(axis=1)[:, None] + (theirs**2).sum(axis=1) - 2 * ours @ theirs.T
    found: Array = np.sqrt(np.maximum(squares, 0))
    if others is None:
        np.fill_diagonal(found, 0)
    return found


def weights_of(patients: NDArray[Any]) -> Array:
    """What each scan counts, so that every patient counts one, (n,).

    Args:
        patients: Patient of each scan, (n,).
    """
    _, places, counts = np.unique(patients, return_inverse=True, return_counts=True)
    weights: Array = 1.0 / counts[places]
    return weights


def outlyingness(between: Array, patients: NDArray[Any]) -> Array:
    """How far each scan lies from its nearest others, in robust standard deviations, (n,).

    The logarithm of the mean distance to the ``NEIGHBORS`` nearest scans of other patients, less
    its median, over 1.4826 times its median absolute deviation. 0 for all of fewer than ``FEWEST``.

    Args:
        between: Distances, (n, n).
        patients: Patient of each scan, (n,).
    """
    if len(between) < FEWEST:
        return np.zeros(len(between))
    others = np.where(patients[:, None] == patients, np.inf, between)
    nearest = np.sort(others, axis=1)[:, :NEIGHBORS]
    known = np.isfinite(nearest)
    means = np.where(known, nearest, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    logarithms = np.log(np.maximum(means, 1e-12))
    offsets = logarithms - np.median(logarithms)
    spread = 1.4826 * np.median(np.abs(offsets))
    return np.zeros(len(between)) if spread < 1e-9 else offsets / spread
