"""Numbers as they are written."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.report.figures.wording import MINUS, percent, signed_points

SHARE = st.floats(0, 1)


@given(first=SHARE, second=SHARE)
def test_a_difference_is_what_a_reader_finds_by_subtracting(first: float, second: float) -> None:
    text = signed_points(first - second, between=(first, second)).replace(MINUS, "-")
    shown = [float(percent(own).split("\u202f")[0]) for own in (first, second)]
    assert float(text) == pytest.approx(shown[0] - shown[1], abs=1e-6)
    assert text != "-0.0"


def test_means_of_other_cases_are_passed_over() -> None:
    assert signed_points(0.0349, between=(0.612, 0.576)) == "+3.5"
    assert signed_points(0.0355, between=(0.61154, 0.57604)) == "+3.6"
    assert signed_points(math.nan, between=(0.5, math.nan)) == "\u2013"
    assert signed_points(-0.0001) == "+0.0"
