"""Which values become 0 and 1: percentiles, and where both of them are one value."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.base.errors import InputError
from gemini_monai.base.intensity import refuse_other_length, rule_of, scale_bounds

PERCENTILE = {"kind": "percentile", "lower": 0.5, "upper": 99.5}
RANGE = {"kind": "range", "lower": -3.0, "upper": 7.0}


def _mostly(background, others, *, share=0.999, size=20_000):
    """Values that are one value but for a share, which is spread evenly over the others."""
    values = np.full(size, background, np.float32)
    count = round((1 - share) * size)
    values[:count] = np.resize(others, count)
    return np.random.default_rng(0).permutation(values)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=50))
def test_where_percentiles_differ_they_are_the_bounds(values):
    array = np.asarray(values, np.float32)
    lower, upper = np.percentile(array, (0.5, 99.5))
    if (lower < array).any() and (array < upper).any() and {lower, upper} <= {*array}:
        assert scale_bounds(array, PERCENTILE, name="x") == (lower, upper)
    elif len(set(values)) > 1:
        lower, upper = scale_bounds(array, PERCENTILE, name="x")
        assert lower < upper


@pytest.mark.parametrize("kept", [np.asarray, torch.as_tensor])
@pytest.mark.parametrize(
    ("background", "others"),
    [
        (0, np.arange(100, 2000)),  # angiography, PET
        (-1024, np.arange(-200, 300)),
        (0, np.arange(-500, 501)),  # velocities, which go both ways
        (255, np.arange(0, 200)),  # a white page
        (0.1, [0.3, 0.5, 0.7]),
    ],
)
def test_of_an_image_that_is_mostly_one_value_they_are_of_the_others(kept, background, others):
    values = _mostly(background, others)
    assert np.ptp(np.percentile(values, (0.5, 99.5))) == 0
    rest = values[values != np.float32(background)]
    found = [float(bound) for bound in scale_bounds(kept(values), PERCENTILE, name="x")]
    np.testing.assert_allclose(found, np.percentile(rest, (0.5, 99.5)), rtol=1e-5)


@pytest.mark.parametrize("count", range(95, 106))
def test_a_percentile_in_the_gap_beside_the_background_is_none(count):
    """At 0.5 % of the voxels it is a hair above the background: all else would be as bright."""
    values = np.zeros(20_000, np.float32)
    values[:count] = np.linspace(100, 2000, count)
    for kept in (values, torch.as_tensor(values)):
        lower, upper = (float(bound) for bound in scale_bounds(kept, PERCENTILE, name="x"))
        assert 0 <= lower < upper
        assert upper > 99


@pytest.mark.parametrize(("background", "other"), [(0, 1), (1, 0), (-3, 7)])
def test_two_values_are_the_bounds_themselves(background, other):
    found = scale_bounds(_mostly(background, [other]), PERCENTILE, name="x")
    assert found == (min(background, other), max(background, other))


def test_the_background_is_the_most_frequent_value_whatever_the_percentiles_are():
    rule = PERCENTILE | {"lower": 40, "upper": 60}
    values = np.repeat(np.float32([0, 5, 9]), [45, 930, 60])
    assert scale_bounds(values, rule, name="x") == (0, 9)


def test_a_range_is_what_it_says_and_one_value_has_no_percentiles():
    constant = np.full(10, 3, np.float32)
    assert scale_bounds(constant, RANGE, name="x") == (-3, 7)
    with pytest.raises(InputError, match="c.nii: constant, every value is 3, so it has no range"):
        scale_bounds(constant, PERCENTILE, name="c.nii")


def test_one_rule_is_everybodys_and_several_are_one_a_channel():
    assert rule_of(RANGE, 3) is RANGE
    assert rule_of([PERCENTILE, RANGE], 1) is RANGE
    refuse_other_length(RANGE, 4, name="key")
    refuse_other_length([PERCENTILE, RANGE], 2, name="key")
    for channels in (1, 3):
        with pytest.raises(InputError, match=rf"key: lists 2 rule\(s\), images have {channels}"):
            refuse_other_length([PERCENTILE, RANGE], channels, name="key")
