"""The part of a page that says what more labels brought."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gemini_monai.report.figures.wording import percent
from gemini_monai.report.page.elements import Note, Section, table
from gemini_monai.report.read.comparison import Comparison
from gemini_monai.report.read.label_rounds import Round, forecast, rounds_of

MORE = 5
"""Labels more that a forecast is for."""


def rounds(comparison: Comparison) -> Section | None:
    """Test Dice over numbers of labels; nothing where all runs had as many."""
    found = rounds_of(comparison)
    if not found:
        return None
    rows = [[own.name, str(own.labels), percent(own.dice), _minutes(own.minutes)] for own in found]
    header = ("run", "labels", "test Dice", "minutes of training")
    caption = "Mean test Dice of runs with different numbers of labels, of the same test cases."
    blocks = (table(header, rows, caption=caption), Note(forecast_sentence(found)))
    return Section("labels", "Labels", "What more labels brought", blocks)


def _minutes(value: float) -> str:
    return "\u2013" if math.isnan(value) else f"{value:.1f}"


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
        f"{100 * (told.dice - now):+.1f} points ({percent(told.lower)} to {percent(told.upper)}, "
        f"which is to hold in eight of ten), by a power law through {len(found)} runs. It takes no "
        "account of which scans are labeled."
    ).replace("-", "\u2212")
