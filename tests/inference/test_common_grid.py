"""The grid of a pair: training's padding and cropping on one grid, one sampling elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.transforms import ResizeWithPadOrCrop

from gemini_monai.geometry.warp import identity_grid, warp
from gemini_monai.geometry.world import FieldOfView
from gemini_monai.inference.common_grid import CommonGrid


def _shift(*voxels):
    matrix = np.eye(len(voxels) + 1)
    matrix[:-1, -1] = voxels
    return matrix


@pytest.mark.parametrize("size", [(6, 9), (9, 6), (10, 11), (14, 5)])
@pytest.mark.parametrize("shape", [(9, 10), (10, 7), (6, 13)])
def test_images_of_one_grid_are_padded_and_cropped_as_in_training(shape, size):
    image = torch.rand(2, *shape)
    view = FieldOfView(np.diag([0.7, 1.3, 1.0]), shape)
    common = CommonGrid(view, view, np.eye(3), size)
    expected = torch.as_tensor(ResizeWithPadOrCrop(list(size))(image))
    assert torch.equal(common.fixed(image), expected)
    assert torch.equal(common.moving(image), expected)
    returned = common.returned(expected, shape)
    inside = common.returned(torch.ones(1, *size), shape).expand_as(image) > 0
    assert torch.equal(returned[inside], image[inside])
    assert not returned[~inside].any()


def test_a_longer_axis_is_cropped_about_what_both_show():
    fixed = FieldOfView(np.eye(4), (10, 10, 60))
    for first, slices, begin in ((0, 34, 1), (26, 34, 27), (0, 60, 14), (58, 60, 28), (-58, 60, 0)):
        moving = FieldOfView(_shift(0, 0, first), (10, 10, slices))
        common = CommonGrid(fixed, moving, np.eye(4), (10, 10, 32))
        assert common.corner == (0, 0, begin)
        assert common.in_moving[2, 3] == begin - first


def test_elsewhere_the_moving_image_is_sampled_where_the_start_puts_it():
    """A ramp, which linear interpolation does not change."""
    fixed = FieldOfView(np.diag([2.0, 1.0, 1.0]), (6, 6))
    moving = FieldOfView(_shift(-10, -10) @ np.diag([0.5, 0.5, 1.0]), (80, 80))
    turn = np.array([[0.8, -0.6, 1.5], [0.6, 0.8, -2.0], [0, 0, 1]])
    common = CommonGrid(fixed, moving, turn, (6, 6))
    voxels = identity_grid((80, 80), dtype=torch.float64)
    ramp = 0.5 * voxels - 10  # each voxel holds its own place in mm
    places = np.tensordot(turn[:2, :2] @ np.diag([2.0, 1.0]), identity_grid((6, 6)).numpy(), 1)
    expected = torch.as_tensor(places + turn[:2, 2, None, None])
    torch.testing.assert_close(common.moving(ramp), expected, atol=1e-9, rtol=0)
    field = torch.full((1, 2, 6, 6), 0.5)
    moved = np.tensordot(turn[:2, :2] @ np.diag([2.0, 1.0]), np.full((2, 6, 6), 0.5), 1)
    found = common.warped(ramp[None], field)[0]
    torch.testing.assert_close(found, expected + moved, atol=1e-9, rtol=0)


def test_on_one_grid_warping_is_the_warp_to_the_bit():
    view = FieldOfView(np.diag([0.7, 1.3, 1.0]), (8, 9))
    common = CommonGrid(view, view, np.eye(3), (8, 9))
    image, field = torch.rand(1, 3, 8, 9), 3 * torch.randn(1, 2, 8, 9)
    for mode in ("bilinear", "nearest"):
        assert torch.equal(common.warped(image, field, mode=mode), warp(image, field, mode=mode))
    assert common.is_that_of_both


def test_what_is_out_of_sight_is_zero():
    fixed, moving = FieldOfView(np.eye(3), (6, 6)), FieldOfView(_shift(50, 0), (6, 6))
    common = CommonGrid(fixed, moving, np.eye(3), (6, 6))
    assert not common.moving(torch.ones(1, 6, 6)).any()
    assert not common.is_that_of_both
