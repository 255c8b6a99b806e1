"""What a benchmark draws: Dice over cost, while learning, and over the number of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gemini_monai.benchmark.results import Row
from gemini_monai.report.figures.charts import DASHES, WIDTH, Chart, blank, chart_of, drawing, tidy
from gemini_monai.report.figures.ink import INK, SERIES, color_of
from gemini_monai.report.read import RunContents, summarize

MARKERS = ("o", "s", "^", "D")


def cost_and_learning(
    arms: Sequence[str], rows: Sequence[Row], seeds: Mapping[str, Sequence[RunContents]]
) -> Chart:
    """Test Dice over CPU minutes, beside validation Dice over iterations.

    Args:
        arms: All systems of the page, whose places decide their looks.
        rows: Those of one data set and number of labels.
        seeds: Their finished runs.
    """
    with drawing():
        figure = blank(WIDTH, max(4.4, 0.6 + 0.26 * len(arms)))
        left, right = figure.subplots(1, 2)
        for place, arm in enumerate(arms):
            for row in rows:
                if row.method == arm and row.dice:
                    _cost(left, row, look=_look(place))
            _learning(right, seeds.get(arm, ()), look=_look(place))
        _name(left, x="CPU minutes of training, pre-training included", y="test Dice, %")
        _name(right, x="iteration", y="validation Dice, %")
        left.set_title("Dice and its cost; line: from seed to seed")
        right.set_title("While learning, mean over seeds")
        _legend(figure, arms, shown=seeds)
        return chart_of(figure, alt="Test Dice over CPU minutes; validation Dice over iterations.")


def dice_over_labels(arms: Sequence[str], rows: Sequence[Row]) -> Chart:
    """Test Dice over the number of labeled images.

    Args:
        arms: All systems of the page, whose places decide their looks.
        rows: Those of one data set.
    """
    with drawing():
        figure = blank(WIDTH, max(4.4, 0.6 + 0.26 * len(arms)))
        axes = figure.subplots()
        for place, arm in enumerate(arms):
            own = [row for row in rows if row.method == arm and row.dice]
            dice = [100 * summarize(row.dice).mean for row in own]
            axes.plot([row.labels for row in own], dice, markersize=7, **_look(place))
        labels = sorted({row.labels for row in rows})
        _name(axes, x="labeled images", y="test Dice, %")
        axes.set_xscale("log")
        axes.set_xticks(labels, [str(count) for count in labels])
        axes.minorticks_off()
        _legend(figure, arms, shown={row.method for row in rows if row.dice})
        return chart_of(figure, alt="Test Dice of each method over the number of labeled images.")


def _look(place: int) -> dict[str, Any]:
    """Color, dashes and marker, which together tell 24 systems apart."""
    turn = place // len(SERIES)
    return {
        "color": color_of(place),
        "linestyle": DASHES[turn % len(DASHES)],
        "marker": MARKERS[turn % len(MARKERS)],
        "linewidth": 1.6,
    }


def _cost(axes: Axes, row: Row, *, look: Mapping[str, Any]) -> None:
    percent = 100 * np.array(row.dice)
    minutes = [row.cpu_minutes] * 2
    axes.plot(minutes, [percent.min(), percent.max()], color=look["color"], linewidth=1, alpha=0.5)
    mean = summarize(percent.tolist()).mean
    axes.plot(minutes[:1], [mean], look["marker"], color=look["color"], markersize=9)


def _learning(axes: Axes, seeds: Sequence[RunContents], *, look: Mapping[str, Any]) -> None:
    """Mean over the seeds, of the iterations at which all were validated."""
    curves = [
        dict(zip(own.validation.iterations, own.validation.columns["mean_dice"], strict=True))
        for own in seeds
        if own.validation is not None and "mean_dice" in own.validation.columns
    ]
    shared = sorted(set.intersection(*map(set, curves))) if curves else []
    means = [100 * summarize([curve[step] for curve in curves]).mean for step in shared]
    axes.plot(shared, means, **{**look, "marker": "" if len(shared) > 1 else look["marker"]})


def _name(axes: Axes, *, x: str, y: str) -> None:
    tidy(axes)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _legend(figure: Figure, arms: Sequence[str], *, shown: Any) -> None:
    lines = [
        figure.axes[0].plot([], [], label=arm, markersize=7, **_look(place))[0]
        for place, arm in enumerate(arms)
        if arm in shown
    ]
    figure.legend(handles=lines, loc="outside right upper", labelcolor=INK, handlelength=3)
