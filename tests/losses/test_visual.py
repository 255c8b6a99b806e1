"""Equation 6."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.losses import LocalNormalizedCrossCorrelationLoss

from gemini_monai.losses import VisualSimilarityLoss
from tests.reference import local_correlation_loops

SHAPES = [(11, 12), (9, 10, 11)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("window", [3, 9])
def test_local_correlation_equals_the_equation(shape, window):
    a, b = torch.rand(2, 1, 1, *shape, dtype=torch.float64)
    expected = local_correlation_loops(a[0, 0].numpy(), b[0, 0].numpy(), window=window)
    ours = VisualSimilarityLoss(window).local_correlation(a, b)[0, 0]
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
def test_without_a_mask_it_is_one_plus_monais_loss(shape):
    a, b = torch.rand(2, 2, 1, *shape)
    theirs = 1 + LocalNormalizedCrossCorrelationLoss(spatial_dims=len(shape), kernel_size=9)(a, b)
    ours = VisualSimilarityLoss()(a, b, torch.ones_like(a))
    torch.testing.assert_close(ours, theirs, atol=2e-4, rtol=0)


def test_gain_and_offset_do_not_count_inside():
    a = torch.rand(1, 1, 20, 20, dtype=torch.float64)
    mask = torch.zeros_like(a)
    mask[..., 4:-4, 4:-4] = 1  # windows that do not see the zeros outside
    assert VisualSimilarityLoss()(a, 3 * a - 1, mask) < 1e-4


def test_only_what_the_mask_keeps_counts():
    a, b = torch.rand(2, 1, 1, 20, 20, dtype=torch.float64)
    mask = torch.zeros_like(a)
    mask[..., :5] = 1
    changed = b.clone()
    changed[..., 12:] = 0  # further from the mask than half a window
    loss = VisualSimilarityLoss()
    assert loss(a, b, mask) == loss(a, changed, mask)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_empty_mask_or_flat_images_give_one_and_finite_gradients(shape):
    a = torch.rand(1, 1, *shape, requires_grad=True)
    flat = torch.ones(1, 1, *shape)
    for other, mask in ((a.detach(), torch.zeros_like(a)), (torch.zeros_like(a), flat)):
        loss = VisualSimilarityLoss()(a, other, mask)
        loss.backward()
        torch.testing.assert_close(loss.detach(), torch.tensor(1.0))
        assert a.grad is not None
        assert a.grad.isfinite().all()


def test_gradient_is_that_of_finite_differences():
    a, b = torch.rand(2, 1, 1, 6, 7, dtype=torch.float64)
    mask = torch.ones_like(a)
    loss = VisualSimilarityLoss(3)
    assert torch.autograd.gradcheck(lambda x: loss(x, b, mask), (a.requires_grad_(),))


def test_autocast_changes_nothing():
    a, b = torch.rand(2, 1, 1, 20, 20)
    mask = torch.ones_like(a)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = VisualSimilarityLoss()(a, b, mask)
    assert half.dtype == torch.float32
    assert half == VisualSimilarityLoss()(a, b, mask)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="positive odd number of voxels, got 4"):
        VisualSimilarityLoss(4)
    with pytest.raises(ValueError, match=r"one shape, got \(1, 1, 9, 9\) and \(1, 1, 9, 8\)"):
        VisualSimilarityLoss()(
            torch.zeros(1, 1, 9, 9), torch.zeros(1, 1, 9, 8), torch.ones(1, 1, 9, 9)
        )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("gain", "offset"), [(1, 0), (1000, 0), (1, 1000), (2000, -1000), (1e6, 3e6)]
)
def test_single_precision_keeps_its_digits_at_any_intensity(shape, gain, offset):
    smooth = torch.nn.functional.interpolate(torch.rand(4, 1, *[4] * len(shape)), size=shape)
    a, b = (gain * image + offset for image in (smooth[:2].double(), smooth[2:].double()))
    a[..., :4] = offset  # flat in one corner, where there is nothing but rounding
    loss = VisualSimilarityLoss(5)
    found = loss.local_correlation(a.float(), b.float())
    assert float(found.min()) >= 0
    assert float(found.max()) <= 1 + 1e-3
    scaled = [_scaled(image[0, 0].numpy(), large=gain > 1 or offset > 1) for image in (a, b)]
    expected = local_correlation_loops(
        scaled[0][0], scaled[1][0], window=5, outside=(scaled[0][1], scaled[1][1])
    )
    np.testing.assert_allclose(found[0, 0].numpy(), expected, atol=2e-3)


def _scaled(image, *, large):
    """An image beyond ``LARGEST`` with mean 0 and in [-1, 1], and what zero outside becomes."""
    shift = image.mean() if large else 0.0
    scale = 1 / max(1.0, np.abs(image - shift).max()) if large else 1.0
    return (image - shift) * scale, -shift * scale


@pytest.mark.parametrize("gain", [1.0, 300.0])
def test_large_intensities_have_the_gradient_of_finite_differences(gain):
    a, b = gain * torch.rand(2, 1, 1, 6, 7, dtype=torch.float64)
    mask = torch.ones_like(a)
    loss = VisualSimilarityLoss(3)
    assert torch.autograd.gradcheck(
        lambda x: loss(gain * x, b, mask), ((a / gain).requires_grad_(),), atol=1e-4
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_a_value_that_is_not_finite_outside_the_mask_does_not_count(shape):
    a, b = torch.rand(2, 1, 1, *shape)
    mask = torch.ones_like(a)
    mask[..., :3] = 0
    known = a.clone()
    known[..., 0] = 0
    for value in (float("nan"), float("inf")):
        broken = known.clone()
        broken[..., 0] = value
        broken.requires_grad_()
        loss = VisualSimilarityLoss(3)(broken, b, mask)
        torch.testing.assert_close(loss, VisualSimilarityLoss(3)(known, b, mask))
        assert torch.autograd.grad(loss, broken)[0].isfinite().all()


@pytest.mark.parametrize("size", [2, 3, 8])
def test_an_axis_shorter_than_the_window_is_padded_as_any_other(size):
    a, b = torch.rand(2, 1, 1, 10, 11, size, dtype=torch.float64)
    expected = local_correlation_loops(a[0, 0].numpy(), b[0, 0].numpy(), window=9)
    ours = VisualSimilarityLoss(9).local_correlation(a, b)[0, 0]
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-10)
