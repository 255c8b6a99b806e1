"""Agreement of two runs, against sums written out and against what is known of shifts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.study.analyses import reliability
from gemini_monai.study.analyses.reliability import measures
from tests.report.synthetic_run import write_run


def test_measures_are_the_sums_of_their_definitions():
    dice = np.random.default_rng(0).uniform(0.5, 1, size=(7, 2))
    found = measures(dice)
    n, k = dice.shape
    mean = sum(dice.flatten()) / (n * k)
    row = [sum(own) / k for own in dice]
    column = [sum(own) / n for own in dice.T]
    r = k * sum((m - mean) ** 2 for m in row) / (n - 1)
    c = n * sum((m - mean) ** 2 for m in column) / (k - 1)
    e = sum((dice[i, j] - row[i] - column[j] + mean) ** 2 for i in range(n) for j in range(k)) / (
        (n - 1) * (k - 1)
    )
    assert found["icc"] == pytest.approx((r - e) / (r + (k - 1) * e + k * (c - e) / n))
    a, b = dice.T - np.array(column)[:, None]
    assert found["r"] == pytest.approx(sum(a * b) / math.sqrt(sum(a * a) * sum(b * b)))
    difference = dice[:, 0] - dice[:, 1]
    spread = math.sqrt(sum((difference - difference.mean()) ** 2) / (n - 1))
    assert found["bias"] == pytest.approx(difference.mean())
    assert found["high"] - found["bias"] == pytest.approx(1.96 * spread)
    assert found["bias"] - found["low"] == pytest.approx(1.96 * spread)


def test_a_shift_is_seen_by_the_intraclass_correlation_alone():
    first = np.array([0.5, 0.6, 0.8, 0.9])
    same, moved = (measures(np.stack([first, first - by], axis=1)) for by in (0.0, 0.2))
    assert same["r"] == moved["r"] == pytest.approx(1)
    assert same["icc"] == pytest.approx(1)
    assert moved["icc"] < 0.7
    assert moved["bias"] == pytest.approx(0.2)


def test_scores_that_do_not_vary_have_no_correlation():
    found = measures(np.full((4, 2), 0.5))
    assert math.isnan(found["r"])
    assert math.isnan(found["icc"])


def test_two_runs_by_their_cases(tmp_path):
    runs = [write_run(tmp_path / name) for name in ("a", "b")]
    found = reliability(*runs)
    assert {row["difference"] for row in found.rows} == {0.0}
    assert found.settings["cases"] == len(found.rows) >= 3
    assert found.sentences[1].startswith("bias +0.0 points")


def test_runs_without_common_cases_are_refused(tmp_path):
    run = write_run(tmp_path / "a")
    other = write_run(tmp_path / "b")
    table = other / "test" / "segmentation.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:2]) + "\n")
    with pytest.raises(InputError, match="1 test cases in common with"):
        reliability(run, other)
