"""How the systems of a grid register, where they do: table, chart, and the rows of both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from gemini_monai.report.figures.charts import WIDTH, Chart, blank, chart_of, drawing
from gemini_monai.report.figures.colors import INK, MUTED
from gemini_monai.report.figures.wording import (
    decimal,
    decimal_with_deviation,
    percent_with_deviation,
)
from gemini_monai.report.page.elements import Cell, Table, table
from gemini_monai.report.read import RunContents, summarize
from gemini_monai.report.read.case_scores import registration_means
from gemini_monai.report.read.paired_statistics import Summary
from gemini_monai.study.benchmark.chart_styles import ChartStyle
from gemini_monai.study.benchmark.grid_run import GridRun


@dataclass(frozen=True)
class RegistrationRow:
    """How a system registers pairs of test images.

    Attributes:
        data: Name of the data set.
        labels: Labeled images.
        method: The system.
        seeds: Runs that registered.
        pairs: Registered pairs, over all seeds.
        dice_before: Of the labels as they lie, mean over pairs, then over seeds, 0 to 1.
        dice_after: Of the moved labels, likewise.
        dice_after_std: Sample standard deviation between seeds; NaN with one.
        folding_percent: Voxels where the Jacobian determinant is not positive, 0 to 100, likewise.
        folding_percent_std: Sample standard deviation between seeds; NaN with one.
        error_before: Mean distance to the true displacement in voxels, likewise; NaN where the
            data does not tell it.
        error_after: The same after registration.
    """

    data: str
    labels: int
    method: str
    seeds: int
    pairs: int
    dice_before: float
    dice_after: float
    dice_after_std: float
    folding_percent: float
    folding_percent_std: float
    error_before: float
    error_after: float


def registration_rows(finished: Mapping[GridRun, RunContents]) -> list[RegistrationRow]:
    """A row per data set, number of labels and system that registers, in the grid's order.

    Args:
        finished: What came out of the runs that are done.
    """
    seeds: dict[tuple[str, int, str], list[RunContents]] = {}
    for run, contents in finished.items():
        if contents.pairs:
            seeds.setdefault((run.data, run.labels, run.method), []).append(contents)
    return [_row(*key, seeds=runs) for key, runs in seeds.items()]


def _row(data: str, labels: int, method: str, *, seeds: Sequence[RunContents]) -> RegistrationRow:
    means = [registration_means(run.pairs) for run in seeds]
    summaries = {
        name: summarize([getattr(run, name) for run in means]) for name in means[0]._fields
    }
    return RegistrationRow(
        data=data,
        labels=labels,
        method=method,
        seeds=len(seeds),
        pairs=sum(len(run.pairs) for run in seeds),
        dice_after_std=summaries["dice_after"].std,
        folding_percent_std=summaries["folding_percent"].std,
        **{name: summary.mean for name, summary in summaries.items()},
    )


def registration_by_system(rows: Sequence[RegistrationRow]) -> Table:
    """Registration of test pairs, a row per system that registers; errors where they are known.

    Args:
        rows: Those of a data set with a number of labels.
    """
    header = ["method", "Dice before, %", "Dice after, %", "folded, %"]
    caption = (
        "Registration of pairs of test images: mean over pairs and seeds, ± the standard deviation "
        "between seeds"
    )
    lines = list(map(_line, rows))
    if any(math.isfinite(row.error_after) for row in rows):
        header += ["error before, voxels", "error after, voxels"]
        caption += "; error: distance to the true displacement"
        lines = [[*line, *_errors(row)] for line, row in zip(lines, rows, strict=True)]
    return table(header, lines, caption=f"{caption}.")


def _line(row: RegistrationRow) -> list[Cell | str]:
    dice = Summary(row.dice_after, row.dice_after_std, row.seeds)
    folding = Summary(row.folding_percent, row.folding_percent_std, row.seeds)
    return [
        row.method,
        f"{100 * row.dice_before:.1f}",
        percent_with_deviation(dice),
        decimal_with_deviation(folding),
    ]


def _errors(row: RegistrationRow) -> list[str]:
    return [decimal(row.error_before), decimal(row.error_after)]


def registration_chart(
    styles: Mapping[str, ChartStyle], seeds: Mapping[str, Sequence[RunContents]]
) -> Chart:
    """Dice before and after registration beside folding, a line per system in the given order.

    Args:
        styles: Of all systems of the page.
        seeds: Finished runs of each system on a data set with a number of labels.
    """
    registered = {arm: [run for run in runs if run.pairs] for arm, runs in seeds.items()}
    drawn = {arm: runs for arm, runs in registered.items() if runs}
    with drawing():
        figure = blank(WIDTH, 1.4 + 0.32 * len(drawn))
        dice, folding = figure.subplots(1, 2, sharey=True)
        for line, (arm, runs) in enumerate(drawn.items()):
            means = [registration_means(run.pairs) for run in runs]
            for mean in means:
                _moved(dice, line, mean.dice_before, mean.dice_after, color=styles[arm].color)
            values = [mean.folding_percent for mean in means]
            folding.plot(values, [line] * len(values), "o", color=styles[arm].color, markersize=7)
        _name(
            dice,
            names=list(drawn),
            x="Dice of labels, %",
            title="Registration: before (bar), after (dot)",
        )
        _name(folding, names=list(drawn), x="voxels, %", title="Folded; each dot is a seed")
        return chart_of(figure, alt="Dice before and after registration, and folding, by system.")


def _moved(axes: Axes, line: int, before: float, after: float, *, color: str) -> None:
    axes.plot([100 * before, 100 * after], [line] * 2, color=color, linewidth=1.5, alpha=0.5)
    axes.plot(100 * before, line, "|", color=MUTED, markersize=12)
    axes.plot(100 * after, line, "o", color=color, markersize=7)


def _name(axes: Axes, *, names: Sequence[str], x: str, title: str) -> None:
    axes.grid(visible=False, axis="y")
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.set_xlabel(x)
    axes.set_title(title)
