"""Equation 3."""

from __future__ import annotations

import pytest
import torch

from gemini_monai.losses import SmoothnessLoss
from gemini_monai.warp import identity_grid
from tests.reference import smoothness_loops


@pytest.mark.parametrize("shape", [(6, 7), (5, 6, 7)])
def test_equals_the_equation(shape):
    ddf = torch.randn(1, len(shape), *shape, dtype=torch.float64)
    torch.testing.assert_close(float(SmoothnessLoss()(ddf)), smoothness_loops(ddf[0].numpy()))


@pytest.mark.parametrize("shape", [(6, 7), (5, 6, 7)])
def test_a_shift_costs_nothing_and_a_ramp_its_squared_slope(shape):
    axes = len(shape)
    assert SmoothnessLoss()(torch.full((1, axes, *shape), 3.0)) == 0
    ramp = torch.zeros(1, axes, *shape)
    ramp[:, 0] = 0.5 * identity_grid(shape)[1]
    torch.testing.assert_close(SmoothnessLoss()(ramp), torch.tensor(0.25 / axes**2))


def test_a_checkerboard_costs_most():
    board = identity_grid((6, 6)).sum(0).remainder(2).expand(1, 2, 6, 6)
    torch.testing.assert_close(SmoothnessLoss()(board), torch.tensor(1.0))


def test_gradient_is_that_of_finite_differences():
    ddf = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(SmoothnessLoss(), (ddf,))


def test_an_axis_of_one_voxel_is_refused():
    with pytest.raises(ValueError, match=r"two voxels or more, got \(1, 5\)"):
        SmoothnessLoss()(torch.zeros(1, 2, 1, 5))
