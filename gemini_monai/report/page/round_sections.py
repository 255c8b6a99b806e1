"""The part of a page that says what more labels brought."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gemini_monai.report.figures.wording import UNDEFINED, percent, signed_points
from gemini_monai.report.page.elements import Block, Note, Section, table
from gemini_monai.report.read.comparison import Comparison
from gemini_monai.report.read.label_rounds import Round, forecast, rounds_of

MORE = 5
"""Labels more that a forecast is for."""
EXPECTED = (
    "Expected is the mean Dice that the trust numbers of a run expect of its own masks, without "
    "their truth: of the same test cases, and of the unlabeled scans that were looked at, which "
    "those that got a label have left. Where it is far from the test Dice, do not rely on it for "
    "the unlabeled scans either."
)
"""Below the table, where a run has such numbers."""


def rounds(comparison: Comparison) -> Section | None:
    """Test Dice over numbers of labels; nothing where all runs had as many."""
    found = rounds_of(comparison)
    if not found:
        return None
    columns = {
        "run": [own.name for own in found],
        "labels": [str(own.labels) for own in found],
        "test Dice": [percent(own.dice) for own in found],
        **_expected(found),
        "minutes of training": [_minutes(own.minutes) for own in found],
    }
    rows = list(zip(*columns.values(), strict=True))
    caption = "Mean test Dice of runs with different numbers of labels, of the same test cases."
    shown = table(list(columns), rows, caption=caption)
    notes = [forecast_sentence(found), *([EXPECTED] if _expected(found) else [])]
    blocks: tuple[Block, ...] = (shown, *(Note(text) for text in notes))
    return Section("labels", "Labels", "What more labels brought", blocks)


def _expected(found: Sequence[Round]) -> dict[str, list[str]]:
    """Columns of expected Dice, those that any run has."""
    columns = {
        "expected, test": [percent(own.expected_test) for own in found],
        "expected, unlabeled": [percent(own.expected_unlabeled) for own in found],
    }
    return {name: cells for name, cells in columns.items() if set(cells) != {UNDEFINED}}


def _minutes(value: float) -> str:
    return UNDEFINED if math.isnan(value) else f"{value:.1f}"


def forecast_sentence(found: Sequence[Round]) -> str:
    """What five labels more may bring, or that it cannot be told.

    Args:
        found: Runs, the fewest labels first.
    """
    told = forecast(found, more=MORE)
    if told is None:
        return (
            f"What {MORE} labels more would bring cannot be told yet: it takes three numbers of "
            "labels, and a Dice that rises with them."
        )
    now = found[-1].dice
    return (
        f"With {told.labels} labels, {MORE} more than now, about {percent(told.dice)} is expected, "
        f"{signed_points(told.dice - now, between=(told.dice, now))} points ({percent(told.lower)} "
        f"to {percent(told.upper)}, which is to hold in eight of ten), by a power law through "
        f"{len(found)} runs. It takes no account of which scans are labeled."
    )
