"""Holm's rule against its definition; ranks by closed forms."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.study.benchmark.ranking import bootstrap_ranks, holm


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == [1.0, 1.0]


def test_a_test_that_there_is_not_does_not_count():
    found = holm([math.nan, 0.02, 0.04])
    assert math.isnan(found[0])
    assert found[1:] == pytest.approx([0.04, 0.04])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_what_stepping_down_rejects(p_values):
    adjusted = holm(p_values)
    for level in (0.01, 0.05, 0.3):
        rejected, order = set(), sorted(range(len(p_values)), key=lambda k: p_values[k])
        for position, k in enumerate(order):
            if p_values[k] > level / (len(p_values) - position):
                break
            rejected.add(k)
        found = {k for k, p in enumerate(adjusted) if p <= level}
        borderline = {k for k, p in enumerate(adjusted) if math.isclose(p, level)}
        assert found - borderline == rejected - borderline


def test_one_that_is_always_higher_is_always_first():
    cases = [str(k) for k in range(6)]
    scores = {"a": dict.fromkeys(cases, 0.5), "b": dict.fromkeys(cases, 0.7)}
    assert bootstrap_ranks(scores, patients={}) == {"a": (2.0, 0.0), "b": (1.0, 1.0)}


def test_systems_that_are_alike_share_their_ranks():
    scores = {name: {"1": 0.2, "2": 0.9} for name in "abc"}
    assert bootstrap_ranks(scores, patients={}) == dict.fromkeys("abc", (2.0, 0.0))


def test_patients_are_drawn_and_not_cases():
    """One patient with all the losses: in (2/3)^3 of the draws he is not there."""
    scores = {"a": {}, "b": {}}
    patients = {}
    for case in range(12):
        patients[str(case)] = "x" if case < 10 else str(case)
        scores["a"][str(case)] = 0.5
        scores["b"][str(case)] = 0.4 if case < 10 else 0.6
    found = bootstrap_ranks(scores, patients=patients)
    assert found["b"][1] == pytest.approx((2 / 3) ** 3, abs=0.02)
    alone = bootstrap_ranks(scores, patients={})
    assert alone["b"][1] < 0.01


def test_other_cases_cannot_be_ranked():
    with pytest.raises(ValueError, match="scored on the same cases"):
        bootstrap_ranks({"a": {"1": 0.1}, "b": {"2": 0.1}}, patients={})
