"""What is expected of a mask: against a fit without the patient, and against what comes true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.quality.estimate import Estimator, Expectation, squared_distances, true_size

FIELDS = ("signs", "structure", "value", "patient", "image", "weight")


def _made(rows=120, *, noise=0.1, seed=0):
    """Dice that follows the first of three signs, with noise; three rows a patient."""
    rng = np.random.default_rng(seed)
    signs = rng.normal(size=(rows, 3))
    dice = np.clip(0.6 + 0.15 * signs[:, 0] + noise * rng.normal(size=rows), 0, 1)
    weight = np.where(np.arange(rows) % 2, 1.0, 0.3)
    number = np.arange(rows)
    return Estimator(signs, number % 2, dice, number // 3, number, weight)


MADE = _made(60)


def test_left_out_is_what_a_fit_without_the_patient_expects():
    made = _made(30)
    for patient in (0, 4):
        there = made.patient != patient
        known = Estimator(**{name: getattr(made, name)[there] for name in FIELDS})
        known.__dict__.update(_scale=made._scale, _mean=made._mean)  # those of all rows
        for row in np.flatnonzero(~there):
            expected = known.expect(made.signs[row], int(made.structure[row])).value
            assert made.left_out[row] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("noise", [0.03, 0.15])
def test_eight_of_ten_lie_in_the_interval(noise):
    made, fresh = _made(400, noise=noise), _made(300, noise=noise, seed=1)
    rows = zip(fresh.signs, fresh.structure, strict=True)
    found = [made.expect(signs, int(structure)) for signs, structure in rows]
    within = [own.lower <= came <= own.upper for own, came in zip(found, fresh.value, strict=True)]
    assert 0.7 < np.mean(within) < 0.9
    assert np.abs([own.value for own in found] - fresh.value).mean() < 1.3 * noise


def test_what_is_certain_is_told_closely():
    found = _made(noise=0.0).expect(np.array([0.5, 0.0, 0.0]), 0)
    assert found.value == pytest.approx(0.675, abs=0.03)
    assert found.upper - found.lower < 0.1


@given(st.lists(st.floats(-50, 50), min_size=3, max_size=3))
def test_a_dice_is_a_share_within_its_bounds(signs):
    found = MADE.expect(np.array(signs), 1)
    assert 0 <= found.value <= 1
    assert 0 <= found.lower <= found.upper <= 1


def test_a_row_of_little_weight_says_little():
    made = replace(_made(60, noise=0.0), weight=np.ones(60))
    at = (made.signs[0], int(made.structure[0]))
    other = made.value.copy()
    other[0] = 0.0
    faint = np.ones(60)
    faint[0] = 1e-6
    kept = made.expect(*at).value
    assert replace(made, value=other, weight=faint).expect(*at).value == pytest.approx(
        kept, abs=0.1
    )
    assert replace(made, value=other).expect(*at).value < kept - 0.2


def test_distances_are_those_of_the_definition():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(3, 4)), rng.normal(size=(2, 4))
    expected = [[((a - b) ** 2).sum() for b in second] for a in first]
    np.testing.assert_allclose(squared_distances(first, second), expected)


def test_a_share_says_how_many_times_as_large_the_structure_is():
    assert true_size(Expectation(0.5, 0.25, 0.6)) == pytest.approx((1.0, 1 / 3, 1.5))
    assert true_size(Expectation(1.0, 0.0, 1.0)) == pytest.approx((99, 0, 99))
