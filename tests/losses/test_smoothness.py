"""Equation 3."""

from __future__ import annotations

import pytest
import torch

from gemini_monai.geometry.warp import identity_grid
from gemini_monai.losses import SmoothnessLoss
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


@pytest.mark.parametrize("shape", [(6, 7), (5, 6, 7)])
def test_an_affine_field_costs_nothing_of_second_order(shape):
    axes = len(shape)
    matrix = torch.randn(axes, axes, dtype=torch.float64)
    field = torch.einsum("ij,j...->i...", matrix, identity_grid(shape).double()) + 2.5
    assert SmoothnessLoss(2)(field[None]) < 1e-20 < SmoothnessLoss()(field[None])


@pytest.mark.parametrize("shape", [(6, 7), (5, 6, 7)])
def test_of_second_order_curves_cost_their_curvature(shape):
    """Of x**2 / 2 one pair of axes has curvature 1, of x * y two have, in one component of N."""
    axes = len(shape)
    first, second = identity_grid(shape)[:2].double()
    for curve, pairs in ((first**2 / 2, 1), (first * second, 2)):
        field = torch.zeros(1, axes, *shape, dtype=torch.float64)
        field[:, 0] = curve
        assert float(SmoothnessLoss(2)(field)) == pytest.approx(pairs / axes**3)


def test_an_order_that_is_none_is_refused():
    with pytest.raises(ValueError, match="order must be 1 or 2, got 3"):
        SmoothnessLoss(3)


@pytest.mark.parametrize("order", [1, 2])
def test_gradient_is_that_of_finite_differences(order):
    ddf = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(SmoothnessLoss(order), (ddf,))


@pytest.mark.parametrize("order", [1, 2])
def test_an_axis_that_is_too_short_is_refused(order):
    shape = (order, 5)
    match = rf"{order + 1} voxels or more, got \({order}, 5\)"
    with pytest.raises(ValueError, match=match):
        SmoothnessLoss(order)(torch.zeros(1, 2, *shape))
