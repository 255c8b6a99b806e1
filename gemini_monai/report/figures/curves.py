"""Curves of training: every term of the loss, and Dice on the validation cases."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from gemini_monai.report.figures.charts import (
    DASHES,
    WIDTH,
    Chart,
    blank,
    chart_of,
    drawing,
    in_percent,
    tidy,
)
from gemini_monai.report.figures.colors import (
    INK,
    STRUCTURE_COLORS,
    color_of,
    structure_ink,
)
from gemini_monai.report.read.comparison import Arm
from gemini_monai.report.read.run_contents import Floats, Series

MAX_POINTS = 400
IN_A_ROW = 4

UNITS = {
    "loss": "sum of all terms",
    "smoothness": "weighted loss",
    "visual": "weighted loss",
    "semantic": "weighted loss",
    "positive": "weighted loss",
    "dice": "weighted loss",
    "cross_entropy": "weighted loss",
    "restoration": "weighted loss",
    "contrast": "weighted loss",
    "inbounds_percent": "% of voxels",
    "folding_percent": "% of voxels",
    "similarity_before": "squared local correlation",
    "similarity_after": "squared local correlation",
    "displacement": "voxels",
    "inverse_error": "voxels",
    "feature_std": "1: spread, 0: all alike",
    "dice_before": "validation Dice",
    "dice_after": "validation Dice",
    "collapse": "0: none, 1: collapsed",
    "nearest": "validation Dice",
    "true_positive_percent": "% of voxels",
    "effective_rank": "directions",
    "cosine_corresponding": "cosine",
    "cosine_random": "cosine",
}
LINEAR = "validation Dice"
"""Unit of the probe's ``linear_1``, ``linear_2``, ..., one a level."""


def loss_curves(arms: Sequence[Arm]) -> Chart | None:
    """Small multiples of every term of the loss; None when no arm recorded a history."""
    return _small_multiples(
        [(arm, arm.run.history) for arm in arms if arm.run.history is not None],
        what="Training curves",
    )


def monitor_curves(arms: Sequence[Arm]) -> Chart | None:
    """Small multiples of overlap, folding and collapse; None when no arm was monitored."""
    return _small_multiples(
        [(arm, arm.run.monitor) for arm in arms if arm.run.monitor is not None],
        what="Correspondence and features",
    )


def probe_curves(arms: Sequence[Arm]) -> Chart | None:
    """Small multiples of what frozen features know; None when no arm was probed.

    Dotted: the first row, of the network as it was initialized unless probing began later.
    """
    return _small_multiples(
        [(arm, arm.run.probe) for arm in arms if arm.run.probe is not None],
        what="What frozen features know",
        from_start=True,
    )


def _small_multiples(
    recorded: Sequence[tuple[Arm, Series]], *, what: str, from_start: bool = False
) -> Chart | None:
    """One per recorded column: the smoothed line over the faint raw one, as a chart.

    Args:
        recorded: Each arm with what it recorded.
        what: Said of the chart before the columns' names.
        from_start: Draw the first value on, dotted.
    """
    names = list(dict.fromkeys(name for _, series in recorded for name in series.columns))
    names.sort(key=lambda name: name != "loss")
    if not names:
        return None
    rows = math.ceil(len(names) / IN_A_ROW)
    with drawing():
        figure = blank(WIDTH, 2.5 * rows)
        grid = figure.subplots(rows, IN_A_ROW, squeeze=False).ravel()
        for axes, name in zip(grid, names, strict=False):
            for arm, series in recorded:
                if name in series.columns:
                    values, color = series.columns[name], color_of(arm.place)
                    _curve(axes, series.iterations, values, color=color)
                    if from_start:
                        axes.axhline(values[0], color=color, linestyle=":", linewidth=1.2)
            axes.set_title(name.replace("_", " "))
            axes.set_ylabel(_unit(name))
            _bottom_label(axes, place=names.index(name), count=len(names))
        for axes in grid[len(names) :]:
            axes.set_visible(False)
        return chart_of(figure, alt=f"{what} over iterations of {', '.join(names)}.")


def _unit(name: str) -> str:
    otherwise = LINEAR if name.startswith("linear_") else "recorded value"
    return UNITS.get(name, otherwise)


def _bottom_label(axes: Axes, *, place: int, count: int) -> None:
    """Name the x axis only where nothing hangs below."""
    tidy(axes)
    if place + IN_A_ROW >= count:
        axes.set_xlabel("iteration")


def _curve(axes: Axes, iterations: Floats, values: Floats, *, color: str) -> None:
    raw_x, raw_y = _extremes(iterations, values)
    axes.plot(raw_x, raw_y, color=color, alpha=0.28, linewidth=0.7)
    smooth = smoothed(values)
    step = max(1, math.ceil(values.size / MAX_POINTS))
    axes.plot(iterations[::step], smooth[::step], color=color, linewidth=1.8)


def smoothed(values: Floats) -> Floats:
    """Centered moving mean over a twenty-fifth of the run; values that are not finite are left out.

    Near the ends the window shrinks, so that the curve neither starts late nor bends.
    """
    reach = max(0, values.size // 50)
    finite = np.isfinite(values)
    total = np.concatenate([[0.0], np.where(finite, values, 0.0).cumsum()])
    count = np.concatenate([[0], finite.cumsum()])
    places = np.arange(values.size)
    low = np.maximum(places - reach, 0)
    high = np.minimum(places + reach + 1, values.size)
    number = count[high] - count[low]
    means = (total[high] - total[low]) / np.maximum(number, 1)
    return np.where(number > 0, means, np.nan)


def _extremes(iterations: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Lowest and highest value of each stretch of a long curve, so that no spike is lost."""
    if values.size <= 2 * MAX_POINTS:
        return iterations, values
    kept: list[int] = []
    for stretch in np.array_split(np.arange(values.size), MAX_POINTS):
        part = values[stretch]
        if np.isfinite(part).any():
            pair = (stretch[np.nanargmin(part)], stretch[np.nanargmax(part)])
            kept.extend(sorted(int(place) for place in pair))
    return iterations[kept], values[kept]


def validation_curves(arms: Sequence[Arm]) -> Chart | None:
    """Validation Dice in percent: the mean per arm, and each structure of the first arm.

    Returns:
        The chart, or None when no arm was validated.
    """
    validated = [(arm, arm.run.validation) for arm in arms if arm.run.validation is not None]
    if not validated:
        return None
    with drawing():
        figure = blank(WIDTH, 3.9)
        left, right = figure.subplots(1, 2)
        for arm, series in validated:
            _mean_curve(left, series, arm=arm)
        left.legend(loc="lower right", labelcolor=INK)
        left.set_title("Mean over structures")
        _structure_curves(right, validated[0][1], known=validated[0][0].run.structures)
        right.set_title(f"Per structure, {validated[0][0].name}")
        for axes in (left, right):
            tidy(axes)
            axes.set_xlabel("iteration")
            axes.set_ylabel("validation Dice (%)")
            in_percent(axes, "y")
        return chart_of(figure, alt="Dice on the validation cases over iterations.")


def _mean_curve(axes: Axes, series: Series, *, arm: Arm) -> None:
    values = series.columns.get("mean_dice")
    if values is None or not np.isfinite(values).any():
        return
    percent = 100 * values
    best = int(np.nanargmax(percent))
    label = f"{arm.name}, best {percent[best]:.1f} at {series.iterations[best]:.0f}"
    axes.plot(series.iterations, percent, color=color_of(arm.place), linewidth=1.8, label=label)
    axes.plot(series.iterations[best], percent[best], "o", color=color_of(arm.place), markersize=6)


def _structure_curves(axes: Axes, series: Series, *, known: Sequence[str]) -> None:
    """Each structure in its color of the pictures, which is by its place in the data set."""
    names = [name for name in series.columns if name != "mean_dice"]
    order = list(dict.fromkeys([*known, *names]))
    for name in names:
        place = order.index(name)
        axes.plot(
            series.iterations,
            100 * series.columns[name],
            color=structure_ink(place),
            linestyle=DASHES[place // len(STRUCTURE_COLORS) % len(DASHES)],
            linewidth=1.4,
            label=name,
        )
    if names:
        axes.legend(
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            fontsize=11.5,
            ncols=math.ceil(len(names) / 12),
            labelcolor=INK,
        )
