"""warp.py: identity, shifts, an oracle, MONAI's Warp, gradients, Jacobians, contracts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.networks.blocks import DVF2DDF, Warp

from gemini_monai.geometry.warp import (
    compose,
    exponential,
    identity_grid,
    inbounds_mask,
    inverse,
    jacobian_determinant,
    warp,
)
from tests.reference import warp_loops

SHAPES = [(7, 9), (5, 6, 7)]


def _image(shape, *, channels=2, batch=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, channels, *shape, generator=generator, dtype=torch.float64)


def _field(shape, *, scale, batch=2, seed=1):
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(batch, len(shape), *shape, generator=generator, dtype=torch.float64)
    return (2 * noise - 1) * scale


@pytest.mark.parametrize("shape", SHAPES)
def test_zero_field_is_the_identity(shape):
    image = _image(shape)
    torch.testing.assert_close(warp(image, torch.zeros(2, len(shape), *shape)), image.float())
    assert inbounds_mask(torch.zeros(2, len(shape), *shape)).all()


@pytest.mark.parametrize("shape", SHAPES)
@given(data=st.data())
def test_an_integer_shift_is_a_slice_with_zeros_outside(shape, data):
    axis = data.draw(st.integers(0, len(shape) - 1))
    shift = data.draw(st.integers(1, shape[axis] - 1))
    image, ddf = _image(shape), torch.zeros(2, len(shape), *shape, dtype=torch.float64)
    ddf[:, axis] = shift
    warped, kept = warp(image, ddf), shape[axis] - shift
    torch.testing.assert_close(
        warped.narrow(axis + 2, 0, kept), image.narrow(axis + 2, shift, kept)
    )
    assert warped.narrow(axis + 2, kept, shift).abs().max() < 1e-12
    assert inbounds_mask(ddf).narrow(axis + 2, 0, kept).all()
    assert not inbounds_mask(ddf).narrow(axis + 2, kept, shift).any()


@pytest.mark.parametrize("shape", SHAPES)
def test_warp_equals_a_loop_over_voxels(shape):
    image, ddf = _image(shape), _field(shape, scale=3.0)
    expected = [
        [warp_loops(channel, field) for channel in item]
        for item, field in zip(image.numpy(), ddf.numpy(), strict=True)
    ]
    np.testing.assert_allclose(warp(image, ddf).numpy(), np.array(expected), atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.filterwarnings("ignore:.*grid_sample.*")
def test_warp_equals_monai(shape):
    image, ddf = _image(shape).float(), _field(shape, scale=3.0).float()
    for mode in ("bilinear", "nearest"):
        theirs = Warp(mode=mode, padding_mode="zeros")(image, ddf)
        torch.testing.assert_close(warp(image, ddf, mode=mode), theirs, atol=2e-6, rtol=0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
def test_mask_equals_a_nearest_warp_of_ones(shape, scale):
    ddf = _field(shape, scale=scale).float()
    ones = torch.ones(2, 1, *shape)
    assert torch.equal(inbounds_mask(ddf), warp(ones, ddf, mode="nearest"))
    half = torch.full((1, len(shape), *shape), 0.5)  # half-way positions round to even
    assert torch.equal(inbounds_mask(half), warp(ones[:1], half, mode="nearest"))


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_are_those_of_finite_differences(shape):
    image = _image(shape, channels=1, batch=1).requires_grad_()
    ddf = (_field(shape, scale=0.15, batch=1) + 0.25).requires_grad_()  # off the cell edges
    assert torch.autograd.gradcheck(warp, (image, ddf))


def test_integer_images_keep_their_values_and_dtype():
    label = torch.randint(0, 5, (1, 1, 8, 9), dtype=torch.uint8)
    warped = warp(label, _field((8, 9), scale=2.0, batch=1), mode="nearest")
    assert warped.dtype == torch.uint8
    assert set(warped.unique().tolist()) <= set(label.unique().tolist()) | {0}


def test_half_precision_fields_are_computed_in_float32():
    ddf = torch.zeros(1, 2, 4, 300, dtype=torch.bfloat16)
    ddf[:, 1] = 0.06
    image = identity_grid((4, 300))[1:].expand(1, 1, 4, 300)
    interior = warp(image, ddf)[..., 200:298] - image[..., 200:298]
    torch.testing.assert_close(interior, torch.full_like(interior, 0.06), atol=1e-3, rtol=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_jacobian_of_a_linear_map_is_its_determinant(shape):
    matrix = torch.eye(len(shape), dtype=torch.float64)
    matrix = matrix + 0.3 * _field((len(shape),) * 2, scale=1, batch=1)[0, 0]
    grid = identity_grid(shape, dtype=torch.float64)
    ddf = torch.einsum("ij,j...->i...", matrix, grid) - grid
    expected = torch.full((1, 1, *shape), float(torch.linalg.det(matrix)), dtype=torch.float64)
    torch.testing.assert_close(jacobian_determinant(ddf[None]), expected)


def test_a_reflection_folds_everywhere():
    ddf = torch.zeros(1, 2, 6, 6)
    ddf[:, 0] = -2 * identity_grid((6, 6))[0]
    assert (jacobian_determinant(ddf) == -1).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_composing_integer_shifts_adds_them(shape):
    first = torch.ones(1, len(shape), *shape)
    total = compose(first, 2 * first)
    inside = (slice(None), slice(None), *[slice(0, size - 3) for size in shape])
    assert (total[inside] == 3).all()


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"one channel per spatial axis.*\(1, 3, 4, 4\)"):
        warp(torch.zeros(1, 1, 4, 4), torch.zeros(1, 3, 4, 4))
    with pytest.raises(ValueError, match=r"share batch and spatial shape.*\(1, 1, 4, 5\)"):
        warp(torch.zeros(1, 1, 4, 5), torch.zeros(1, 2, 4, 4))
    with pytest.raises(ValueError, match=r"two voxels or more.*\(1, 4\)"):
        jacobian_determinant(torch.zeros(1, 2, 1, 4))


@pytest.mark.parametrize("shape", [(1, 6), (6, 1), (4, 1, 5), (1, 1)])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_an_axis_of_one_voxel_ends_as_any_other(shape, mode):
    image = _image(shape)
    torch.testing.assert_close(
        warp(image, torch.zeros(2, len(shape), *shape), mode=mode), image.float()
    )
    axis = shape.index(1)
    for shift, share in ((0.25, 0.75), (-0.25, 0.75), (1.0, 0.0), (-3.0, 0.0)):
        field = torch.zeros(2, len(shape), *shape, dtype=torch.float64)
        field[:, axis] = shift
        share = float(share > 0.5) if mode == "nearest" else share
        torch.testing.assert_close(warp(image, field, mode=mode), share * image)
        if mode == "nearest":
            torch.testing.assert_close(
                warp(torch.ones_like(image), field, mode=mode)[:, :1], inbounds_mask(field)
            )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("value", [float("inf"), -float("inf"), float("nan"), 1e30, -1e30])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_a_place_that_is_nowhere_lies_outside(shape, value, mode):
    image, field = _image(shape) + 1, torch.zeros(2, len(shape), *shape, dtype=torch.float64)
    field[0, -1, 2] = value
    warped, inside = warp(image, field, mode=mode), inbounds_mask(field)
    assert (warped[0, :, 2] == 0).all()
    assert (inside[0, :, 2] == 0).all()
    torch.testing.assert_close(warped[1], image[1])
    torch.testing.assert_close(warped[0, :, 3:], image[0, :, 3:])


def _hills(shape, *, height):
    """A smooth field without folds, as many voxels long as ``height`` at most, 0 at the border."""
    axes = [torch.linspace(0, np.pi, size, dtype=torch.float64).sin() for size in shape]
    hill = axes[0]
    for axis in axes[1:]:
        hill = hill[..., None] * axis
    signs = torch.tensor([1.0, -0.5, 0.7])[: len(shape)]
    return height * torch.stack([sign * hill for sign in signs])[None]


@pytest.mark.parametrize("shape", [(30, 34), (20, 18, 22)])
def test_the_inverse_leads_back(shape):
    ddf = _hills(shape, height=3.0)
    back = inverse(ddf)
    for there, and_back in ((ddf, back), (back, ddf)):
        assert float(compose(there, and_back).abs().max()) < 0.1
    torch.testing.assert_close(inverse(torch.zeros_like(ddf)), torch.zeros_like(ddf))


@pytest.mark.parametrize("shape", [(30, 34), (20, 18, 22)])
def test_the_exponential_is_monais_and_its_inverse_that_of_the_negative(shape):
    velocity = _hills(shape, height=4.0)
    found = exponential(velocity)
    monais = DVF2DDF(num_steps=7, mode="bilinear", padding_mode="border")(velocity)
    torch.testing.assert_close(found, monais)
    assert float(compose(found, exponential(-velocity)).abs().max()) < 0.1
    assert float(jacobian_determinant(found).min()) > 0
    torch.testing.assert_close(exponential(velocity, squarings=0), velocity)
