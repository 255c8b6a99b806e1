"""Dice of every case per structure, beside the paired differences with their intervals."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes

from gemini_monai.report.figures.charts import (
    WIDTH,
    Chart,
    blank,
    chart_of,
    drawing,
    in_percent,
    widened,
)
from gemini_monai.report.figures.colors import INK, MUTED, RULE, color_of
from gemini_monai.report.read.case_scores import MEAN_ROW, row_values
from gemini_monai.report.read.comparison import Arm, Comparison
from gemini_monai.report.read.paired_statistics import paired_difference, summarize
from gemini_monai.report.read.run_contents import Floats


def strip_plot(comparison: Comparison) -> Chart | None:
    """One dot per test case and the mean as a bar, per structure and arm.

    Returns:
        The chart, or None when nothing was tested.
    """
    arms = [arm for arm in comparison.arms if arm.run.scores]
    if not arms:
        return None
    rows = [MEAN_ROW, *arms[0].run.structures]
    height = 1.1 + len(rows) * (0.24 + 0.2 * len(arms))
    with drawing():
        figure = blank(WIDTH, height)
        if comparison.differences:
            left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.55, 1))
            _differences(right, comparison, rows=rows)
        else:
            left = figure.subplots()
        _dots(left, arms, rows=rows)
        names = ", ".join(arm.name for arm in arms)
        return chart_of(figure, alt=f"Dice of each test case per structure, for {names}.")


def _offset(place: int, count: int) -> float:
    """Where an arm's dots lie around the row's middle."""
    return (place - (count - 1) / 2) * 0.62 / count


def _dots(axes: Axes, arms: list[Arm], *, rows: list[str]) -> None:
    generator = np.random.default_rng(0)
    for place, arm in enumerate(arms):
        for row, name in enumerate(rows):
            values = 100 * np.array(list(row_values(arm.run, name).values()), dtype=float)
            level = row + _offset(place, len(arms))
            jitter = generator.uniform(-0.08, 0.08, values.size)
            missed = sum(score.missed for score in arm.run.scores if score.structure == name)
            _strip(
                axes, values, level + jitter, level=level, missed=missed, color=color_of(arm.place)
            )
    axes.set_yticks(range(len(rows)), rows, color=INK)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_title("Every test case; bar: mean; x: structure missed")
    axes.set_xlabel("Dice (%)")
    in_percent(axes, "x")
    _rule_below_mean(axes)


def _strip(
    axes: Axes, values: Floats, heights: Floats, *, level: float, missed: int, color: str
) -> None:
    """A dot per value in percent, a cross at zero per missed structure, a bar at the mean."""
    dots = axes.scatter(values, heights, s=26, color=color, alpha=0.45)
    dots.set_linewidth(0)
    axes.plot([0] * missed, [level] * missed, "x", color=color, markersize=8)
    mean = summarize(values.tolist()).mean
    axes.plot([mean, mean], [level - 0.15, level + 0.15], color=color, linewidth=3)


def _rule_below_mean(axes: Axes) -> None:
    axes.grid(visible=False, axis="y")
    axes.axhline(0.5, color=RULE, linewidth=1)


def _differences(axes: Axes, comparison: Comparison, *, rows: list[str]) -> None:
    axes.axvline(0, color=MUTED, linewidth=1)
    count, has_interval = len(comparison.differences), False
    for place, (arm, reference) in enumerate(comparison.differences):
        is_first = (
            arm is comparison.first and count > 1
        )  # else all would have the first arm's color
        color = color_of((reference if is_first else arm).place)
        for row, name in enumerate(rows):
            paired = paired_difference(row_values(arm.run, name), row_values(reference.run, name))
            if paired is not None:
                level = row + _offset(place, count)
                ends = [100 * paired.low, 100 * paired.high]
                has_interval |= math.isfinite(paired.low)
                axes.plot(ends, [level, level], color=color, linewidth=2.4)
                axes.plot(100 * paired.mean, level, "o", color=color, markersize=7)
    axes.set_title(_difference_title(comparison))
    axes.set_xlabel("points of Dice" + ", with 95 % interval" * has_interval)
    widened(axes, least=1.0)
    axes.tick_params(labelleft=False)
    _rule_below_mean(axes)


def _difference_title(comparison: Comparison) -> str:
    """Whom the arms are measured against: one reference, or a run's own arms in their colors."""
    references = {reference.name for _, reference in comparison.differences}
    if len(references) == 1:
        return f"Difference to {references.pop()}"
    return f"Difference of {comparison.first.name} to each other arm"
