"""What a table of scores comes to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def mean_and_deviation(values: Sequence[float]) -> dict[str, Any]:
    """``mean``, ``std`` (of the values, not of the mean) and count ``n`` of what is not NaN.

    A mean of nothing is ``None``, as is the deviation of fewer than two values.
    """
    known = [value for value in values if not math.isnan(value)]
    return {
        "mean": float(np.mean(known)) if known else None,
        "std": float(np.std(known, ddof=1)) if len(known) > 1 else None,
        "n": len(known),
    }
