"""Metrics: closed forms, and oracles that are not ours."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from monai.metrics import DiceMetric
from scipy.ndimage import binary_erosion
from scipy.spatial.distance import cdist

from gemini_monai.geometry.warp import identity_grid
from gemini_monai.metrics import (
    average_surface_distance,
    correspondence_error,
    dice_per_structure,
    folding_percent,
    log_jacobian_std,
    true_displacement,
)


def test_dice_is_monais_where_that_is_defined():
    masks = torch.rand(2, 3, 4, 9, 8) > 0.5
    expected = DiceMetric(include_background=True)(*masks.float())
    torch.testing.assert_close(dice_per_structure(*masks), expected, check_dtype=False)


def test_a_missed_structure_is_0_and_an_absent_one_undefined():
    empty, full = torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)
    assert dice_per_structure(empty, full).item() == 0
    assert dice_per_structure(full, empty).item() == 0
    assert math.isnan(dice_per_structure(empty, empty).item())
    with pytest.raises(ValueError, match="masks must have one shape"):
        dice_per_structure(empty, full[..., :3])


def _surface(mask, spacing):
    cross = np.zeros([3] * mask.ndim, bool)
    for axis in range(mask.ndim):
        index = [1] * mask.ndim
        for index[axis] in range(3):
            cross[tuple(index)] = True
    return np.argwhere(mask & ~binary_erosion(mask, cross)) * np.asarray(spacing)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.5, 3.0), (1.0, 2.0, 4.0)])
def test_surface_distance_is_the_mean_of_the_two_directed_means(spacing):
    shape = (14, 13, 9)[: len(spacing)]
    rng = np.random.default_rng(0)
    masks = [np.zeros(shape, bool) for _ in range(2)]
    for mask, low in zip(masks, (2, 4), strict=True):
        mask[tuple(slice(low, size - 2) for size in shape)] = True
    masks[1] &= rng.random(shape) > 0.1
    points = [_surface(mask, spacing) for mask in masks]
    distances = cdist(*points)
    expected = (distances.min(1).mean() + distances.min(0).mean()) / 2
    found = average_surface_distance(*map(torch.from_numpy, masks), spacing=spacing)
    assert found == pytest.approx(expected, rel=1e-6)


def test_a_shifted_plane_is_its_shift_in_mm_and_an_empty_mask_undefined():
    mask = torch.zeros(10, 10, dtype=torch.bool)
    mask[:, 3] = True
    assert average_surface_distance(mask, mask, spacing=(1, 2)) == 0
    assert average_surface_distance(mask, mask.roll(2, 1), spacing=(1, 2.5)) == 5
    assert math.isnan(average_surface_distance(mask, torch.zeros_like(mask), spacing=(1, 1)))
    with pytest.raises(ValueError, match="a spacing per axis"):
        average_surface_distance(mask, mask, spacing=(1,))


@pytest.mark.parametrize("axes", [2, 3])
def test_a_scaled_grid_does_not_fold_and_a_mirrored_one_does(axes):
    grid = identity_grid([8] * axes)[None]
    assert float(folding_percent(0.5 * grid)) == 0
    assert float(log_jacobian_std(0.5 * grid)) == pytest.approx(0, abs=1e-6)
    mirror = torch.zeros_like(grid)
    mirror[:, 0] = -2 * grid[:, 0]
    assert float(folding_percent(mirror)) == 100


def test_half_of_a_fold_is_counted():
    ddf = torch.zeros(1, 2, 16, 16)
    ddf[:, 0] = -1.5 * (torch.arange(16.0) - 8).clamp_min(0)[:, None]
    assert 35 < float(folding_percent(ddf)) < 60


def test_the_error_is_a_distance_where_the_truth_stays_inside():
    truth = torch.zeros(1, 2, 6, 6)
    truth[:, 0, 5] = 3  # leaves the image there
    off = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)
    ones = torch.ones(1, 1, 6, 6)
    assert correspondence_error(off.expand_as(truth), truth, ones).item() == pytest.approx(5)


def test_translations_of_two_subjects_compose():
    fixed, moving_inverse = torch.full((1, 2, 5, 5), 1.0), torch.full((1, 2, 5, 5), 0.5)
    truth = true_displacement(fixed, moving_inverse)
    torch.testing.assert_close(truth[:, :, 1:3, 1:3], torch.full((1, 2, 2, 2), 1.5))


def test_a_field_that_is_not_finite_is_folded_and_not_whole():
    ddf = torch.zeros(2, 2, 8, 8)
    ddf[0] = float("nan")
    assert folding_percent(ddf).tolist() == [100.0, 0.0]


def _neighbors(place, shape):
    for axis in range(len(shape)):
        for step in (-1, 1):
            yield tuple(v + step * (k == axis) for k, v in enumerate(place))


def _known_surface(mask, ignored):
    """Drawn voxels of a mask with a drawn neighbor, or the image's border, outside of it."""
    places = []
    for place in map(tuple, np.argwhere(mask & ~ignored)):
        for other in _neighbors(place, mask.shape):
            inside = all(0 <= v < size for v, size in zip(other, mask.shape, strict=True))
            if not inside or not (mask[other] or ignored[other]):
                places.append(place)
                break
    return np.array(places)


@pytest.mark.parametrize("spacing", [(0.5, 3.0), (1.0, 2.0, 4.0)])
def test_no_surface_is_where_a_mask_meets_ignored_voxels(spacing):
    shape = (14, 13, 9)[: len(spacing)]
    truth, other, ignored = (np.zeros(shape, bool) for _ in range(3))
    truth[tuple(slice(3, size - 2) for size in shape)] = True
    other[tuple(slice(5, size - 2) for size in shape)] = True
    ignored[9:] = True
    points = [_known_surface(mask, ignored) * np.asarray(spacing) for mask in (other, truth)]
    distances = cdist(*points)
    expected = (distances.min(1).mean() + distances.min(0).mean()) / 2
    masks = [torch.from_numpy(mask) for mask in (other & ~ignored, truth & ~ignored)]
    hidden = torch.from_numpy(ignored)
    found = average_surface_distance(*masks, spacing=spacing, ignored=hidden)
    assert found == pytest.approx(expected, rel=1e-5)
    cut = average_surface_distance(*masks, spacing=spacing)
    assert abs(cut - expected) > 0.01  # where the cut itself were a surface
    assert average_surface_distance(masks[1], masks[1], spacing=spacing, ignored=hidden) == 0


def test_a_mask_among_ignored_voxels_has_no_surface():
    mask, ignored = torch.zeros(9, 9, dtype=torch.bool), torch.ones(9, 9, dtype=torch.bool)
    mask[3:6, 3:6] = True
    ignored[3:6, 3:6] = False
    found = average_surface_distance(mask, mask, spacing=(1, 1), ignored=ignored)
    assert math.isnan(found)
