"""Surfaces at one go: closed forms of shifted boxes, and MONAI where nothing is ignored."""

from __future__ import annotations

import math

import pytest
import torch
from monai.metrics import compute_hausdorff_distance, compute_surface_dice

from gemini_monai.metrics import average_surface_distance, surface_scores

HEIGHT, WIDTH, SHIFT = 9, 7, 3


def _boxes(axis):
    """A box and the same, shifted along an axis; (H, W)."""
    mask = torch.zeros(20, 20, dtype=torch.bool)
    mask[4 : 4 + HEIGHT, 5 : 5 + WIDTH] = True
    shifted = mask.roll(SHIFT, 0)
    return [own.movedim(0, axis) for own in (mask, shifted)]


@pytest.mark.parametrize("axis", [0, 1])
def test_boxes_that_are_shifted_have_the_scores_of_their_outlines(axis):
    """Voxels are so wide across that the nearest surface always lies along the shift."""
    along = 0.5
    spacing = [100.0, 100.0]
    spacing[axis] = along
    outline = 2 * WIDTH + 2 * HEIGHT - 4
    sides = 2 * along * sum(range(1, SHIFT))  # rows 1 and 2 of both sides, to the other's first
    expected = (WIDTH * SHIFT * along + sides + (WIDTH - 2) * SHIFT * along) / outline
    common = {"spacing": spacing}
    exact = surface_scores(*_boxes(axis), tolerance=0, **common)
    assert exact.average_distance == pytest.approx(expected)
    assert exact.hausdorff_95 == SHIFT * along
    assert exact.surface_dice == pytest.approx((HEIGHT - SHIFT) / (WIDTH + HEIGHT - 2))
    near = surface_scores(*_boxes(axis), tolerance=SHIFT * along, **common)
    assert near.surface_dice == 1
    below = surface_scores(*_boxes(axis), tolerance=SHIFT * along - 0.01, **common)
    assert below.surface_dice == pytest.approx(1 - (2 * WIDTH - 2) / outline)


@pytest.mark.parametrize("shape", [(12, 9), (8, 9, 7)])
@pytest.mark.parametrize("shift", [0, 1, 2])
def test_a_plane_is_as_far_as_it_is_shifted(shape, shift):
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[:, 3] = True
    spacing = (1.0, 2.5, 4.0)[: len(shape)]
    scores = surface_scores(mask, mask.roll(shift, 1), spacing=spacing, tolerance=2.5)
    assert scores == (2.5 * shift, 2.5 * shift, float(shift < 2))


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.5, 3.0), (1.0, 2.0, 4.0)])
@pytest.mark.parametrize("tolerance", [0.0, 1.0, 2.3])
def test_they_are_monais(spacing, tolerance):
    shape = (15, 13, 11)[: len(spacing)]
    masks = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0)) > 0.3
    masks[0, :4] = masks[1, :, 8:] = False
    scores = surface_scores(*masks, spacing=spacing, tolerance=tolerance)
    pair = [mask[None, None].float() for mask in masks]
    common = {"spacing": list(spacing), "include_background": True}
    dice = compute_surface_dice(*pair, class_thresholds=[tolerance], **common)
    far = compute_hausdorff_distance(*pair, percentile=95, **common)
    assert scores.surface_dice == pytest.approx(dice.item(), rel=1e-6)
    assert scores.hausdorff_95 == pytest.approx(far.item(), rel=1e-6)
    assert scores.average_distance == average_surface_distance(*masks, spacing=spacing)
    back = surface_scores(masks[1], masks[0], spacing=spacing, tolerance=tolerance)
    assert back == pytest.approx(scores)


def test_a_shift_by_the_tolerance_is_within_it_whatever_single_precision_makes_of_it():
    mask = torch.zeros(9, 9, dtype=torch.bool)
    mask[3:6, 3:6] = True
    side = 0.7 * (1 + 2e-7)
    pair = mask, mask.roll(1, 0)
    assert surface_scores(*pair, spacing=(side, side), tolerance=0.7).surface_dice == 1
    assert surface_scores(*pair, spacing=(0.701, 0.701), tolerance=0.7).surface_dice < 1


@pytest.mark.parametrize("shape", [(6, 6), (6, 6, 6)])
def test_a_missed_mask_has_no_distance_and_no_surface_in_common(shape):
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[2:4, 2:4] = True
    empty = torch.zeros_like(mask)
    common = {"spacing": [1.0] * len(shape), "tolerance": 100.0}
    for pair in ((mask, empty), (empty, mask)):
        scores = surface_scores(*pair, **common)
        assert [math.isnan(value) for value in scores] == [True, True, False]
        assert scores.surface_dice == 0
    assert all(math.isnan(value) for value in surface_scores(empty, empty, **common))
    with pytest.raises(ValueError, match="a spacing per axis"):
        surface_scores(mask, mask, spacing=(1,), tolerance=1)


def test_ignored_voxels_are_no_surface():
    """Half a box is known: what its cut would be is as if it were not there."""
    mask, ignored = torch.zeros(12, 12, dtype=torch.bool), torch.zeros(12, 12, dtype=torch.bool)
    mask[3:9, 2:] = True
    ignored[:, 6:] = True
    other = mask.roll(1, 0)
    pair = [own & ~ignored for own in (mask, other)]
    scores = surface_scores(*pair, spacing=(1, 1), tolerance=0, ignored=ignored)
    # six rows of the first column and three more pixels above and below, of which five coincide
    assert scores.surface_dice == pytest.approx(5 / 12)
    cut = surface_scores(*pair, spacing=(1, 1), tolerance=0)
    assert cut.surface_dice == pytest.approx(10 / 16)
    hidden = torch.ones_like(mask)
    assert all(
        math.isnan(value)
        for value in surface_scores(mask, mask, spacing=(1, 1), tolerance=1, ignored=hidden)
    )
