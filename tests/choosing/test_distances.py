"""Distances, principal components, and who stands out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.choosing.distances import (
    FAR,
    distances,
    outlyingness,
    principal_components,
    weights_of,
)


def vectors(seed=0, count=12, size=5):
    return np.random.default_rng(seed).normal(size=(count, size))


def test_distances_are_those_of_each_pair():
    first, second = vectors(0, 4), vectors(1, 3)
    expected = [[np.linalg.norm(a - b) for b in second] for a in first]
    np.testing.assert_allclose(distances(first, second), expected, atol=1e-9)
    assert (np.diag(distances(first)) == 0).all()


@given(seed=st.integers(0, 50), count=st.integers(2, 10))
def test_principal_components_keep_distances_and_come_in_the_order_of_their_spread(seed, count):
    own = vectors(seed, count)
    found = principal_components(own, count=5)
    np.testing.assert_allclose(distances(found), distances(own), atol=1e-9)
    spreads = found.var(axis=0)
    assert (np.diff(spreads) <= 1e-12).all()
    np.testing.assert_allclose(principal_components(own, count=2), found[:, :2])


def test_the_scans_of_a_patient_weigh_as_much_as_one():
    np.testing.assert_allclose(weights_of(np.array(["a", "b", "b", "b"])), [1, 1 / 3, 1 / 3, 1 / 3])


def test_a_scan_far_from_all_others_stands_out_and_no_other():
    own = np.concatenate([vectors(count=30), [[40, 0, 0, 0, 0]]])
    found = outlyingness(distances(own), np.arange(31))
    assert np.flatnonzero(found >= FAR).tolist() == [30]


def test_many_scans_of_a_patient_far_from_all_others_all_stand_out():
    far = np.array([40.0, 0, 0, 0, 0]) + 0.1 * vectors(1, count=7)
    found = outlyingness(
        distances(np.concatenate([vectors(count=30), far])), np.array([*range(30), *[99] * 7])
    )
    assert np.flatnonzero(found >= FAR).tolist() == [*range(30, 37)]


@pytest.mark.parametrize("own", [np.ones((20, 3)), vectors(count=19) ** 9, np.zeros((1, 3))])
def test_nothing_stands_out_of_the_same_or_of_few(own):
    assert (outlyingness(distances(own), np.arange(len(own))) < FAR).all()
