"""Intervals over draws and patients: closed forms, coverage, and what is too little for one."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gemini_monai.study.benchmark.draws import FEWEST, Resampled, expanded_interval, student


def _alike(values, *, cases=3):
    """Every case of a draw has the draw's value."""
    return {draw: {f"c{k}": value for k in range(cases)} for draw, value in enumerate(values)}


def test_without_a_spread_between_draws_and_patients_the_interval_is_the_difference():
    pair = {"a": _alike([0.7] * 5), "b": _alike([0.5] * 5)}
    found = Resampled(pair, patients={}).difference("a", "b")
    assert (found.low, found.mean, found.high) == pytest.approx((0.2, 0.2, 0.2))
    assert found.per_draw == pytest.approx(dict.fromkeys(range(5), 0.2))
    assert found.p_value == 0.0


def test_draws_alone_give_about_students_interval():
    values = [0.05, 0.01, 0.03, 0.08, 0.02, 0.04, 0.06, 0.00]
    pair = {"a": _alike([0.5 + v for v in values]), "b": _alike([0.5] * 8)}
    found = Resampled(pair, patients={}, resamples=100_000).difference("a", "b")
    student_t = stats.t.interval(0.95, 7, np.mean(values), stats.sem(values))
    assert (found.low, found.high) == pytest.approx(student_t, abs=0.006)
    assert found.p_value == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


def test_patients_are_drawn_whole():
    """Ten cases of one patient are one value, so the interval is as wide as of two patients."""
    scores = {f"x{k}": 0.1 for k in range(10)} | {"y": 0.5}
    pair = {
        "a": dict.fromkeys(range(5), scores),
        "b": dict.fromkeys(range(5), dict.fromkeys(scores, 0.0)),
    }
    owners = {f"x{k}": "x" for k in range(10)}
    found = Resampled(pair, patients=owners).difference("a", "b")
    assert (found.low, found.high) == pytest.approx((0.1, 0.5))
    alone = Resampled(pair, patients={}).difference("a", "b")
    assert alone.high < 0.4


@pytest.mark.parametrize("draws", [1, FEWEST - 1])
def test_too_few_draws_are_an_anecdote(draws):
    scores = {"a": _alike([0.7] * draws), "b": _alike([0.5] * draws)}
    resampled = Resampled(scores, patients={})
    for found in (resampled.difference("a", "b"), resampled.to_best_other("a")):
        assert found.mean == pytest.approx(0.2)
        assert all(math.isnan(v) for v in (found.low, found.high, found.p_value))
    assert resampled.ranks() == {
        "a": pytest.approx((1.0, math.nan), nan_ok=True),
        "b": pytest.approx((2.0, math.nan), nan_ok=True),
    }


def test_the_best_other_is_chosen_again_in_each_resample():
    """Two others, each good where the other is not: the better one is above its own mean."""
    high, low = _alike([0.6, 0.4, 0.6, 0.4, 0.6]), _alike([0.4, 0.6, 0.4, 0.6, 0.4])
    scores = {"a": _alike([0.5] * 5), "b": high, "c": low}
    found = Resampled(scores, patients={}).to_best_other("a")
    assert found.mean == pytest.approx(0.5 - 0.52)
    assert found.high <= -0.0199  # one of five draws is one too many for the two to be alike
    single = Resampled({"a": scores["a"], "b": high}, patients={}).to_best_other("a")
    assert single.high > 0.05


def test_ranks_of_what_is_always_higher_and_of_what_is_alike():
    scores = {"a": _alike([0.5] * 5), "b": _alike([0.7] * 5)}
    assert Resampled(scores, patients={}).ranks() == {"a": (2.0, 0.0), "b": (1.0, 1.0)}
    alike = {name: _alike([0.2, 0.9, 0.4, 0.5, 0.6]) for name in "abc"}
    assert Resampled(alike, patients={}).ranks() == dict.fromkeys("abc", (2.0, 0.0))


def test_one_patient_with_all_the_losses_is_not_there_in_some_resamples():
    """Of three patients he is left out in (2/3)^3."""
    a = {str(case): 0.5 for case in range(12)}
    b = {case: 0.4 if int(case) < 10 else 0.6 for case in a}
    patients = {case: "x" if int(case) < 10 else case for case in a}
    scores = {"a": dict.fromkeys(range(5), a), "b": dict.fromkeys(range(5), b)}
    found = Resampled(scores, patients=patients).ranks()
    assert found["b"][1] == pytest.approx((2 / 3) ** 3, abs=0.02)


def test_cases_and_draws_that_one_lacks_do_not_count():
    whole = {draw: {"1": 0.5, "2": 0.1 * draw, "3": math.nan} for draw in range(6)}
    part = {draw: {"1": 0.4, "2": 0.0} for draw in range(1, 6)}
    part[2] = {"1": 0.4}
    found = Resampled({"a": whole, "b": part}, patients={}).difference("a", "b")
    assert found.per_draw == pytest.approx(dict.fromkeys(range(1, 6), 0.1))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=5, max_size=9), st.floats(-1, 1))
def test_a_shift_of_all_shifts_the_interval(values, shift):
    values = np.array(values)
    draws = len(values)
    low, high = expanded_interval(values, draws=draws)
    moved = expanded_interval(values + shift, draws=draws)
    assert moved == pytest.approx((low + shift, high + shift), abs=1e-9)
    plain = np.percentile(values, [2.5, 97.5])
    assert low <= plain[0] <= plain[1] <= high


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.1] * 4, math.nan), ([0.0] * 5, 1.0), ([0.1] * 5, 0.0), ([0.1] * 4 + [math.nan], math.nan)],
)
def test_p_of_what_has_no_spread_or_is_too_little(values, expected):
    assert student(values) == pytest.approx(expected, nan_ok=True)


def test_coverage_of_five_draws_of_twenty_patients_is_no_less_than_promised():
    """Of 60 experiments with a true difference of 0.02, at most a few intervals leave it out."""
    generator = np.random.default_rng(0)
    covered = []
    for seed in range(60):
        by_patient, by_draw = generator.normal(0, 0.02, 20), generator.normal(0, 0.03, 5)
        noise = generator.normal(0, 0.01, (5, 20))
        values = 0.02 + by_patient + by_draw[:, None] + noise
        a = {d: {str(p): values[d, p] for p in range(20)} for d in range(5)}
        b = {d: dict.fromkeys(a[d], 0.0) for d in a}
        pair = Resampled({"a": a, "b": b}, patients={}, seed=seed, resamples=2_000)
        found = pair.difference("a", "b")
        covered.append(found.low <= 0.02 <= found.high)
    assert statistics.mean(covered) >= 0.9


def test_draws_on_patients_of_their_own_are_resampled_with_them():
    """Folds: the mean is that of all draws; patients that are alike add nothing to the spread."""
    values = [0.05, 0.01, 0.03, 0.08, 0.02]
    one = {d: {f"d{d}c{k}": 0.5 + v for k in range(4)} for d, v in enumerate(values)}
    two = {d: dict.fromkeys(cases, 0.5) for d, cases in one.items()}
    found = Resampled({"a": one, "b": two}, patients={}).difference("a", "b")
    assert found.per_draw == pytest.approx(dict(enumerate(values)))
    shared = Resampled(
        {"a": _alike([0.5 + v for v in values]), "b": _alike([0.5] * 5)}, patients={}
    )
    assert (found.low, found.high) == pytest.approx(
        (shared.difference("a", "b").low, shared.difference("a", "b").high), abs=0.002
    )


def test_patients_of_a_fold_widen_the_interval():
    one = {d: {f"d{d}c{k}": 0.5 + 0.1 * (k % 2) for k in range(4)} for d in range(5)}
    two = {d: dict.fromkeys(cases, 0.5) for d, cases in one.items()}
    found = Resampled({"a": one, "b": two}, patients={}).difference("a", "b")
    assert found.mean == pytest.approx(0.05)
    assert 0.0 < found.low < 0.045 < 0.055 < found.high < 0.1
    owners = {case: case[:2] for cases in one.values() for case in cases}
    whole = Resampled({"a": one, "b": two}, patients=owners).difference("a", "b")
    assert (whole.low, whole.high) == pytest.approx((0.05, 0.05))
