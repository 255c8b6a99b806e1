"""Labels over rounds: a power law is found again, and too little says nothing."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest

from gemini_monai.report.page.rendering import render
from gemini_monai.report.page.report_page import page_of
from gemini_monai.report.page.round_sections import forecast_sentence
from gemini_monai.report.read.comparison import compare
from gemini_monai.report.read.label_rounds import Round, forecast, rounds_of
from gemini_monai.report.read.run_reading import read_run
from tests.report.synthetic_run import write_run


def _rounds(counts, *, noise=0.0, seed=0):
    drawn = np.random.default_rng(seed).normal(0, noise, len(counts))
    return [
        Round(str(n), n, 1 - 0.5 * n**-0.4 * math.exp(d), 1.0)
        for n, d in zip(counts, drawn, strict=True)
    ]


def test_a_power_law_is_found_again():
    told = forecast(_rounds([5, 10, 20]), more=5)
    assert told.labels == 25
    assert told.dice == pytest.approx(1 - 0.5 * 25**-0.4)
    assert told.lower == pytest.approx(told.dice)
    assert told.upper == pytest.approx(told.dice)


def test_eight_of_ten_intervals_hold_the_next_run():
    held = []
    for seed in range(400):
        *known, fresh = _rounds([5, 8, 12, 20, 25], noise=0.1, seed=seed)
        told = forecast(known, more=5)
        held.append(told is not None and told.lower <= fresh.dice <= told.upper)
    assert 0.74 < np.mean(held) < 0.86


@pytest.mark.parametrize(
    "rounds",
    [
        _rounds([5, 10]),
        _rounds([5, 5, 10]),
        [Round(str(n), n, 0.9 - 0.01 * n, 1.0) for n in (5, 10, 20)],
        [Round(str(n), n, 1.0, 1.0) for n in (5, 10, 20)],
    ],
)
def test_too_little_or_nothing_that_falls_is_no_forecast(rounds):
    assert forecast(rounds, more=5) is None
    assert "cannot be told yet" in forecast_sentence(rounds)


def _compared(folder, counts, expected=None):
    for count in counts:
        write_run(folder / f"run{count}")
        if expected is not None:
            _expect(folder / f"run{count}", expected)
    runs = [read_run(folder / f"run{count}") for count in counts]
    for run, count in zip(runs, counts, strict=True):
        run.dataset["cases"] = {"labeled": count}
    return compare(runs)


def test_the_page_has_them_where_labels_differ(tmp_path):
    comparison = _compared(tmp_path, [3, 8])
    assert [own.labels for own in rounds_of(comparison)] == [3, 8]
    page = render(page_of(comparison), images=False)
    assert "What more labels brought" in page
    assert "cannot be told yet" in page
    for arm in comparison.arms:
        arm.run.dataset["cases"] = {"labeled": 5}
    assert "What more labels brought" not in render(page_of(comparison), images=False)


def _expect(run, rows):
    """A table of trust numbers of the weights that the run has."""
    (run / "models").mkdir()
    (run / "models" / "model.pt").write_bytes(b"weights")
    own = hashlib.sha256(b"weights").hexdigest()
    lines = [f"{case},{part},{dice},{own}" for case, part, dice in rows]
    lines += ["s000,unlabeled,0.1,of_other_weights"]
    (run / "expected.csv").write_text("\n".join(["case,part,expected_dice,weights", *lines]))


def test_expected_dice_stands_beside_the_true_one(tmp_path):
    tests = [(f"s{k:03}", "test", 0.6 + 0.05 * k) for k in range(5)]
    others = [("u0", "unlabeled", 0.25), ("u1", "unlabeled", 0.5)]
    comparison = _compared(tmp_path / "all", [3, 8], [*tests, *others])
    for own in rounds_of(comparison):
        assert own.expected_test == pytest.approx(0.7)
        assert own.expected_unlabeled == pytest.approx(0.375)
    page = render(page_of(comparison), images=False)
    assert all(text in page for text in ("expected, test", "70.0", "37.5", "without their truth"))
    first = rounds_of(_compared(tmp_path / "some", [3, 8], tests[1:]))[0]
    assert math.isnan(first.expected_test)
    assert math.isnan(first.expected_unlabeled)
    page = render(page_of(_compared(tmp_path / "none", [3, 8])), images=False)
    assert "expected, test" not in page
