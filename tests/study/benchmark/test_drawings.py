"""How many systems are told apart in one chart, and what it says of each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gemini_monai.study.benchmark import ResultRow
from gemini_monai.study.benchmark.chart_styles import BASELINE, OTHERS, chart_styles
from gemini_monai.study.benchmark.drawings import cost_and_learning, differences
from gemini_monai.study.benchmark.draws import DrawDifference


def _row(method, dice, *, difference=True):
    middle = float(np.mean(dice)) - 0.5
    per_draw = {draw: value - 0.5 for draw, value in enumerate(dice)}
    found = DrawDifference(per_draw, low=middle - 0.1, high=middle + 0.1, p_value=0.1)
    return ResultRow(
        data="d",
        labels=5,
        method=method,
        dice=dict(enumerate(dice)),
        to_baseline=found if difference else None,
        to_best=None,
        p=0.1,
        rank=(1.0, 0.5),
        optimizer_steps=10.0,
        cpu_minutes=1.0,
        by_checkpoint={},
        missing={},
    )


ARMS = ("supervised", *(f"m{k}" for k in range(23)), "gemini", "never_run")


@pytest.fixture
def rows():
    """The baseline at 0.5, m0 to m22 from 0.5 to 0.72, and GEMINI last of all that were run."""
    others = [_row(f"m{k}", [0.5 + k / 100, 0.52 + k / 100]) for k in range(23)]
    return [
        _row("supervised", [0.5, 0.5], difference=False),
        *others,
        _row("gemini", [0.3, 0.3]),
        replace(_row("never_run", [0.5]), dice={}, to_baseline=None),
    ]


def test_the_best_have_colors_and_so_has_gemini_whatever_its_place(rows):
    found = chart_styles(ARMS, rows, baseline="supervised")
    assert found["supervised"] == BASELINE
    named = [arm for arm, style in found.items() if style.named and arm != "supervised"]
    assert set(named) == {"m22", "m21", "m20", "m19", "m18", "gemini"}
    assert {arm for arm in ARMS if arm not in named} - {"supervised"} == {
        arm for arm, style in found.items() if style == OTHERS
    }
    alike = {(style.color, style.marker) for style in found.values() if style.named}
    assert len(alike) == 7


def test_few_systems_are_all_named(rows):
    few = ("supervised", "m1", "gemini")
    assert all(style.named for style in chart_styles(few, rows, baseline="supervised").values())


def test_differences_stand_in_the_order_of_the_rows_without_the_baseline(rows):
    found = chart_styles(ARMS, rows, baseline="supervised")
    texts = differences(found, rows, baseline="supervised").svg
    names = [row.method for row in rows if row.to_baseline is not None]
    places = [texts.index(f">{name}<") for name in names]
    assert places == sorted(places)
    assert ">supervised<" not in texts
    assert ">never_run<" not in texts


def test_the_difference_of_each_draw_is_a_dot(rows):
    few = [rows[0], rows[1]]
    found = chart_styles(("supervised", "m0"), few, baseline="supervised")
    whole = differences(found, few, baseline="supervised").svg
    own = replace(rows[1].to_baseline, per_draw={0: 0.01})
    short = [rows[0], replace(rows[1], to_baseline=own)]
    one = differences(found, short, baseline="supervised").svg
    assert whole.count("<use") == one.count("<use") + 1


def test_the_legend_has_one_name_for_all_that_are_gray(rows):
    found = chart_styles(ARMS, rows, baseline="supervised")
    texts = cost_and_learning(found, rows, {}).svg
    assert texts.count(">others<") == 1
    assert ">gemini<" in texts
    assert ">m0<" not in texts
    few = ("supervised", "m1", "gemini")
    own = [row for row in rows if row.method in few]
    assert (
        ">others<"
        not in cost_and_learning(chart_styles(few, own, baseline="supervised"), own, {}).svg
    )
