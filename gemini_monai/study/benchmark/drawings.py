"""What a benchmark draws: differences, Dice over cost, while learning, and over labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gemini_monai.report.figures.charts import (
    WIDTH,
    Chart,
    blank,
    chart_of,
    drawing,
    in_percent,
    tidy,
)
from gemini_monai.report.figures.colors import INK
from gemini_monai.report.read import RunContents, summarize
from gemini_monai.study.benchmark.chart_styles import OTHERS, ChartStyle
from gemini_monai.study.benchmark.result_rows import ResultRow

ChartStyles = Mapping[str, ChartStyle]


def differences(styles: ChartStyles, rows: Sequence[ResultRow], *, baseline: str) -> Chart:
    """Each system's difference to the baseline, below one another in the order of the rows.

    Args:
        styles: Of all systems of the page.
        rows: Those of one data set and number of labels, the baseline's among them.
        baseline: What the others are compared with.
    """
    compared = [row for row in rows if row.to_baseline is not None]
    with drawing():
        figure = blank(WIDTH, 1.2 + 0.32 * len(compared))
        axes = figure.subplots()
        for line, row in enumerate(compared):
            _difference(axes, row, line=line, color=styles[row.method].color)
        axes.axvline(0, color=INK, linewidth=1, zorder=1)
        axes.set_yticks(range(len(compared)), [row.method for row in compared])
        axes.set_ylim(len(compared) - 0.4, -0.6)
        axes.tick_params(axis="y", labelcolor=INK)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"points of Dice to {baseline}")
        axes.set_title("Mean with its interval over draws and patients; dots: single draws")
        return chart_of(figure, alt="Difference to the baseline of each system, with intervals.")


def cost_and_learning(
    styles: ChartStyles, rows: Sequence[ResultRow], seeds: Mapping[str, Sequence[RunContents]]
) -> Chart:
    """Test Dice over CPU minutes, beside validation Dice over them while learning.

    Args:
        styles: Of all systems of the page.
        rows: Those of one data set and number of labels.
        seeds: Their finished runs.
    """
    before = {
        row.method: row.cpu_minutes - float(np.mean([_minutes(run) for run in seeds[row.method]]))
        for row in rows
        if seeds.get(row.method)
    }
    with drawing():
        figure = blank(WIDTH, 4.4)
        left, right = figure.subplots(1, 2)
        for row in rows:
            if row.dice:
                _cost(left, row, style=styles[row.method])
        for arm, style in styles.items():
            _learning(right, seeds.get(arm, ()), style=style, before=before.get(arm, 0.0))
        _name(left, x="CPU minutes of training, pre-training included", y="test Dice, %")
        _name(right, x="CPU minutes", y="validation Dice, %")
        for axes in (left, right):
            in_percent(axes, "y")
        left.set_title("Dice and its cost; line: from draw to draw")
        right.set_title("While learning, mean over draws")
        _legend(figure, styles, shown=[row.method for row in rows if row.dice])
        alt = "Test Dice over CPU minutes; validation Dice over CPU minutes."
        return chart_of(figure, alt=alt)


def dice_over_labels(styles: ChartStyles, rows: Sequence[ResultRow]) -> Chart:
    """Test Dice over the number of labeled images.

    Args:
        styles: Of all systems of the page.
        rows: Those of one data set.
    """
    with drawing():
        figure = blank(WIDTH, 4.4)
        axes = figure.subplots()
        for arm, style in styles.items():
            of_arm = [row for row in rows if row.method == arm and row.dice]
            dice = [100 * row.mean for row in of_arm]
            labels = [row.labels for row in of_arm]
            axes.plot(labels, dice, marker=style.marker, markersize=7, **style.line)
        ticks = sorted({row.labels for row in rows})
        _name(axes, x="labeled images", y="test Dice, %")
        in_percent(axes, "y")
        axes.set_xscale("log")
        axes.set_xticks(ticks, [str(count) for count in ticks])
        axes.minorticks_off()
        _legend(figure, styles, shown=[row.method for row in rows if row.dice])
        return chart_of(figure, alt="Test Dice of each method over the number of labeled images.")


def _difference(axes: Axes, row: ResultRow, *, line: int, color: str) -> None:
    difference = row.to_baseline
    assert difference is not None
    dots = 100 * np.array(list(difference.per_draw.values()))
    axes.plot(dots, [line] * len(dots), "o", color=color, alpha=0.4, markersize=6)
    axes.plot([100 * difference.low, 100 * difference.high], [line] * 2, color=color, linewidth=2)
    axes.plot(100 * difference.mean, line, "|", color=color, markersize=14, markeredgewidth=3)


def _cost(axes: Axes, row: ResultRow, *, style: ChartStyle) -> None:
    percent = 100 * np.array(list(row.dice.values()))
    minutes = [row.cpu_minutes] * 2
    axes.plot(minutes, [percent.min(), percent.max()], color=style.color, linewidth=1, alpha=0.5)
    size = 9 if style.named else 6
    axes.plot(minutes[:1], [100 * row.mean], style.marker, color=style.color, markersize=size)


def _learning(
    axes: Axes, seeds: Sequence[RunContents], *, style: ChartStyle, before: float
) -> None:
    """Mean over the runs, of the iterations at which all were validated; ``before`` in minutes."""
    validated = [run for run in seeds if run.validation and "mean_dice" in run.validation.columns]
    curves = [
        dict(zip(run.validation.iterations, run.validation.columns["mean_dice"], strict=True))
        for run in validated
        if run.validation is not None
    ]
    shared = sorted(set.intersection(*map(set, curves))) if curves else []
    means = [100 * summarize([curve[step] for curve in curves]).mean for step in shared]
    each = np.mean([_minutes(run) / run.details["iterations"] for run in validated] or [0.0])
    minutes = [before + float(each) * step for step in shared]
    axes.plot(minutes, means, marker="" if len(shared) > 1 else style.marker, **style.line)


def _minutes(run: RunContents) -> float:
    """Processor minutes of a run alone, which each of its iterations takes a like share of."""
    return float(run.details.get("cpu_seconds", math.nan)) / 60


def _name(axes: Axes, *, x: str, y: str) -> None:
    tidy(axes)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _legend(figure: Figure, styles: ChartStyles, *, shown: Sequence[str]) -> None:
    """Names of what has a style of its own, in their order; one name for all others."""
    axes = figure.axes[0]
    entries = {arm: style for arm, style in styles.items() if arm in shown and style.named}
    if any(not styles[arm].named for arm in shown):
        entries["others"] = OTHERS
    lines = [
        axes.plot([], [], label=name, marker=style.marker, markersize=7, **style.line)[0]
        for name, style in entries.items()
    ]
    figure.legend(handles=lines, loc="outside right upper", labelcolor=INK, handlelength=3)
