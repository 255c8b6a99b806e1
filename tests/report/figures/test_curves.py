"""Curves: what the smoothed line is, and that no spike is lost."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gemini_monai.report import page
from gemini_monai.report.figures.charts import blank, drawing, in_percent
from gemini_monai.report.figures.colors import PAGE_COLORS, STRUCTURE_COLORS, structure_ink
from gemini_monai.report.figures.curves import (
    _extremes,
    loss_curves,
    smoothed,
    validation_curves,
)
from gemini_monai.report.figures.strips import strip_plot
from gemini_monai.report.read.comparison import compare
from gemini_monai.report.read.run_contents import RunContents
from gemini_monai.report.read.run_reading import read_run


def test_smoothing_keeps_a_straight_line() -> None:
    line = np.linspace(3.0, 5.0, 200)
    inner = slice(4, -4)
    np.testing.assert_allclose(smoothed(line)[inner], line[inner])


def test_smoothing_equals_the_mean_of_the_window() -> None:
    values = np.random.default_rng(0).random(100)
    expected = [values[max(0, k - 2) : k + 3].mean() for k in range(100)]
    np.testing.assert_allclose(smoothed(values), expected)


def test_smoothing_leaves_out_what_is_not_finite() -> None:
    values = np.ones(100)
    values[[10, 50]] = math.nan, math.inf
    np.testing.assert_allclose(smoothed(values), 1.0)


def test_short_history_is_shown_as_it_is() -> None:
    values = np.array([1.0, math.nan, 2.0])
    np.testing.assert_array_equal(smoothed(values), values)


def test_spike_of_a_long_history_is_kept() -> None:
    values = np.zeros(50_000)
    values[31_415] = 9.0
    iterations, kept = _extremes(np.arange(50_000.0), values)
    assert kept.max() == 9.0
    assert iterations[kept.argmax()] == 31_415
    assert kept.size <= 800
    assert (np.diff(iterations) >= 0).all()


def test_every_term_has_a_title_and_the_loss_comes_first(run_2d: Path) -> None:
    chart = loss_curves(compare([read_run(run_2d)]).arms)
    assert chart is not None
    svg = chart.svg
    titles = ["loss", "smoothness", "visual", "semantic", "dice", "cross entropy"]
    places = [svg.index(f">{title}<") for title in titles]
    assert places == sorted(places)
    assert "weighted loss" in svg
    assert "iteration" in svg


def test_validation_tells_the_best_iteration(run_2d: Path) -> None:
    run = read_run(run_2d)
    assert run.validation is not None
    scores = run.validation.columns["mean_dice"]
    best = f"best {100 * scores.max():.1f} at {run.validation.iterations[scores.argmax()]:.0f}"
    chart = validation_curves(compare([run]).arms)
    assert chart is not None
    assert f"GEMINI, {best}" in chart.svg


@pytest.mark.parametrize("draw", [loss_curves, validation_curves])
def test_run_without_records_has_no_curve(draw: object) -> None:
    arms = compare([RunContents(folder=Path("run"), details={})]).arms
    assert draw(arms) is None  # type: ignore[operator]


def test_a_structure_has_its_color_of_the_pictures_though_columns_have_another_order(
    run_2d: Path,
) -> None:
    run = read_run(run_2d)
    assert run.validation is not None
    names = run.structures[::-1][:2]  # one was not validated, the last come first
    columns = {name: run.validation.columns[name] for name in ("mean_dice", *names)}
    validation = replace(run.validation, columns=columns)
    chart = validation_curves(compare([replace(run, validation=validation)]).arms)
    assert chart is not None
    drawn = [place for place in range(7) if f"stroke: var(--structure-{place})" in chart.svg]
    assert drawn == [run.structures.index(name) for name in names[::-1]]


def test_every_structure_color_is_in_both_themes() -> None:
    style = (Path(page.__file__).parent / "templates" / "style.css").read_text()
    for place in range(len(STRUCTURE_COLORS)):
        assert style.count(f"--structure-{place}:") == 2
        assert PAGE_COLORS[structure_ink(place)] == f"var(--structure-{place})"


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [([0.0, 0.0], 0, 100), ([93.4], 0, 100), ([50.0, 70.0], 45, 75), ([98.0, 100.0], 95, 102)],
)
def test_an_axis_of_percent_ends_at_0_and_100(values: list[float], low: float, high: float) -> None:
    with drawing():
        axes = blank(4, 3).subplots()
        axes.plot(range(len(values)), values)
        in_percent(axes, "y")
        shown, ticks = axes.get_ylim(), axes.get_yticks()
    assert low - 5 <= shown[0] <= min(values)
    assert max(values) <= shown[1] <= high + 5
    assert len(ticks) > 1
    assert min(ticks) >= 0
    assert max(ticks) <= 100


def test_dice_of_0_for_all_is_drawn_from_0_to_100(run_2d: Path) -> None:
    run = read_run(run_2d)
    none = tuple(replace(score, dice=0.0) for score in run.scores)
    chart = strip_plot(compare([replace(run, scores=none)]))
    assert chart is not None
    assert all(f">{tick}<" in chart.svg for tick in (0, 20, 40, 60, 80, 100))
    assert f">{chr(0x2212)}0.02<" not in chart.svg
