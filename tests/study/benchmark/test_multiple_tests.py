"""Holm's rule against its definition."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.study.benchmark.multiple_tests import holm


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
