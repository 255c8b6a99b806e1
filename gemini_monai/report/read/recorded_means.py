"""What a test came to where its means alone are there, as in released weights and archives."""

from __future__ import annotations

import math
from typing import Any

from gemini_monai.report.read.case_scores import MEAN_ROW
from gemini_monai.report.read.paired_statistics import Summary
from gemini_monai.report.read.run_contents import RunContents


def recorded_scores(run: RunContents, measure: str = "dice") -> dict[str, Summary]:
    """Means over the test cases by structure, as ``segmentation.json`` has them.

    Args:
        run: The run; with the table of its cases, that is what counts.
        measure: One of a structure's, such as ``"dice"``; of that the mean over structures, too.

    Returns:
        Nothing where the table is there, or the means are not.
    """
    structures = run.tested.get("structures")
    if run.scores or not isinstance(structures, dict):
        return {}
    found = {
        str(name): _summary(own.get(measure))
        for name, own in structures.items()
        if isinstance(own, dict)
    }
    found = {name: own for name, own in found.items() if own.count}
    if found and measure == "dice":
        mean, count = _number(run.tested.get("mean_dice")), _count(run.tested.get("cases"))
        found[MEAN_ROW] = Summary(mean=mean, std=math.nan, count=count)
    return found


def recorded_registration(run: RunContents) -> dict[str, Summary]:
    """Means over the registered pairs by what was measured, as ``registration.json`` has them.

    Args:
        run: The run; with the table of its pairs, that is what counts.

    Returns:
        ``dice_before``, ``dice_after`` and ``folding_percent``; nothing where the table is there,
        or the means are not.
    """
    names = ("dice_before", "dice_after", "folding_percent")
    found = {name: _summary(run.registration.get(name)) for name in names}
    return {} if run.pairs or not all(own.count for own in found.values()) else found


def _summary(value: Any) -> Summary:
    own = value if isinstance(value, dict) else {}
    return Summary(
        mean=_number(own.get("mean")), std=_number(own.get("std")), count=_count(own.get("n"))
    )


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0
