"""P of several tests at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LIMIT = 0.05
"""Of an adjusted p, below which a difference is told as one."""


def holm(p_values: Sequence[float]) -> list[float]:
    """P adjusted for several tests by Holm's step-down rule (1979).

    The k-th smallest of m becomes ``max over j <= k of (m - j + 1) p_j``, at most 1.

    Args:
        p_values: Of the tests, in any order; NaN for a test that there is not, which does not
            count.
    """
    adjusted = np.full(len(p_values), np.nan)
    tested = [k for k, p in enumerate(p_values) if not np.isnan(p)]
    order = sorted(tested, key=lambda k: p_values[k])
    largest = 0.0
    for position, k in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - position) * p_values[k]))
        adjusted[k] = largest
    return adjusted.tolist()
