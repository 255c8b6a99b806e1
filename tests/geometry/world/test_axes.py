"""Grids: how far apart, singular, sheared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.geometry.world import grid_distance, is_sheared, is_singular, squared

TURNED = np.array([[0, -2.0, 0, 5], [1.5, 0, 0, -3], [0, 0, 4.0, 1], [0, 0, 0, 1]])


@given(scale=st.floats(1e-6, 1e3), shift=st.floats(-3, 3))
def test_distance_is_in_voxels_at_any_size(scale, shift):
    unit = np.diag([scale, 2 * scale, scale, 1.0])
    moved = unit.copy()
    moved[0, 3] += shift * scale
    assert grid_distance(unit, moved, (4, 5, 6)) == pytest.approx(abs(shift), abs=1e-9)
    assert grid_distance(unit[:3, :3], moved[:3, :3], (4, 5)) == pytest.approx(0, abs=1e-9)


def test_a_mirror_is_as_far_as_the_image_is_long():
    mirrored = np.diag([-1.0, 1, 1, 1])
    assert grid_distance(np.eye(4), mirrored, (9, 2, 2)) == 16


@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e4])
def test_only_steps_that_do_not_span_space_are_singular(scale):
    steps = TURNED.copy()
    steps[:3, :3] *= scale
    assert not is_singular(steps, axes=3)
    steps[:3, 2] = steps[:3, 1]
    assert is_singular(steps, axes=3)
    assert not is_singular(steps, axes=2)
    for value in (0, np.nan, np.inf):
        steps[:3, 1] = value
        assert is_singular(steps, axes=3)


def test_a_squared_grid_keeps_lengths_and_right_angles():
    sheared = TURNED.copy()
    sheared[:3, 2] = [1.0, 0.5, 4.0]
    assert is_sheared(sheared)
    assert not is_sheared(TURNED)
    np.testing.assert_allclose(squared(TURNED), TURNED, atol=1e-12)
    straight = squared(sheared)
    assert not is_sheared(straight)
    lengths = [np.linalg.norm(grid[:3, :3], axis=0) for grid in (straight, sheared)]
    np.testing.assert_allclose(*lengths)
    assert np.linalg.det(straight[:3, :3]) > 0 < np.linalg.det(sheared[:3, :3])
