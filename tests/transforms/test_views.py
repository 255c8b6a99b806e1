"""Views: how large a crop is, where it lies, and what of an image's looks changes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.base.errors import InputError
from gemini_monai.data import Views
from gemini_monai.geometry.warp import identity_grid, inbounds_mask, warp
from gemini_monai.transforms import RandResizedCropd, view_transforms

SIZES = {2: (40, 60), 3: (20, 24, 28)}


def _view(transform, image, seed=0):
    transform.set_random_state(seed=seed)
    return torch.as_tensor(transform({"image": image.clone()})["image"])


def _crop(seed=0, **options):
    return RandResizedCropd("image", **options).set_random_state(seed=seed)


@given(seed=st.integers(0, 10**6), axes=st.sampled_from([2, 3]))
def test_a_box_has_the_share_and_the_ratios_that_it_may(seed, axes):
    sides = _crop(seed, share=(0.1, 0.4)).sides(axes)
    assert 0.1 <= sides.prod() <= 0.4
    assert np.abs(np.log(sides[1:] / sides[0])).max() <= math.log(4 / 3) + 1e-12
    assert _crop(seed, share=(0.9, 1.0)).sides(axes).max() <= 1


def test_shares_and_ratios_are_drawn_evenly():
    crop = _crop(share=(0.1, 0.4))
    sides = np.array([crop.sides(2) for _ in range(4000)])
    share, ratio = sides.prod(axis=1), np.log(sides[:, 1] / sides[:, 0]) / math.log(4 / 3)
    for values, least, greatest in ((share, 0.1, 0.4), (ratio, -1, 1)):
        counts, _ = np.histogram(values, bins=4, range=(least, greatest))
        assert np.abs(counts / 4000 - 0.25).max() < 0.03


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_a_crop_is_a_box_of_the_image_brought_to_its_size(axes, seed):
    grid = identity_grid(SIZES[axes])
    crop = _crop(seed, share=(0.3, 0.3))
    view = _view(crop, grid, seed=seed)
    sides = crop.set_random_state(seed=seed).sides(axes)
    corner = view.flatten(1)[:, 0]
    steps = torch.tensor(sides, dtype=torch.float32).reshape(-1, *[1] * axes)
    wanted = corner.reshape(steps.shape) + steps * grid  # coordinates say where each voxel is from
    torch.testing.assert_close(view, wanted, atol=1e-3, rtol=0)
    assert (view >= -1e-3).all()
    assert (view.flatten(1).amax(dim=1) <= torch.tensor(SIZES[axes]) - 1 + 1e-3).all()


def test_boxes_lie_everywhere_and_the_whole_image_is_one():
    ramp = identity_grid((40, 60))
    crop = _crop(share=(0.25, 0.25))
    middles = torch.stack([_view(crop, ramp, seed=k).mean(dim=(1, 2)) for k in range(60)])
    spread = middles.amax(dim=0) - middles.amin(dim=0)
    assert (spread > 0.35 * torch.tensor([39.0, 59.0])).all()
    image = torch.rand(1, 40, 60)
    quiet = view_transforms((40, 60), crop=(1.0, 1.0), intensity=0.0, blur=0.0)
    quiet.transforms[0].sides = np.ones
    torch.testing.assert_close(_view(quiet, image), image)


@pytest.mark.parametrize("axes", [2, 3])
def test_the_field_between_two_views_is_known(axes):
    size = {2: (96, 80), 3: (40, 44, 42)}[axes]
    mode = {2: "bilinear", 3: "trilinear"}[axes]
    coarse = torch.rand(1, 1, *[side // 6 for side in size])
    image = torch.nn.functional.interpolate(coarse, size=size, mode=mode)[0]
    views = Views(6, transform=view_transforms(size, intensity=0.0, blur=0.0, degrees=20.0))
    views.open([{"image": image}] * 6)
    assert views.tracked
    batch = views.draw(np.random.default_rng(0), {})
    inside = inbounds_mask(batch["ddf_ab"]) > 0
    assert 0.2 < inside.float().mean() < 0.95
    apart = (batch["view_a"] - batch["view_b"]).abs()[inside].mean()
    missed = (warp(batch["view_a"], batch["ddf_ab"]) - batch["view_b"]).abs()[inside].mean()
    assert missed < 0.1 * apart


def test_changes_of_looks_leave_the_field_as_it_is():
    image = torch.rand(1, 40, 60)
    fields = []
    for intensity, blur in ((0.0, 0.0), (0.4, 1.0)):
        views = Views(3, transform=view_transforms((40, 60), intensity=intensity, blur=blur))
        views.open([{"image": image}] * 3)
        fields.append(views.draw(np.random.default_rng(0), {})["ddf_ab"])
    assert torch.equal(*fields)


def test_brightness_is_a_factor_and_the_mean_stays_with_contrast():
    transform = view_transforms((40, 60), crop=(1.0, 1.0), intensity=0.3, blur=0.0)
    flat = torch.full((1, 40, 60), 0.5)
    found = [_view(transform, flat, seed=seed).mean().item() / 0.5 for seed in range(80)]
    assert 0.7 <= min(found) < 0.75
    assert 1.25 < max(found) <= 1.3
    assert 0.1 < np.mean([value == pytest.approx(1.0) for value in found]) < 0.35


def test_contrast_and_gamma_change_more_than_a_factor():
    transform = view_transforms((40, 60), crop=(1.0, 1.0), intensity=0.4, blur=0.0)
    transform.transforms[0].sides = np.ones
    image = torch.rand(1, 40, 60)
    ratios = [_view(transform, image, seed=seed) / image for seed in range(20)]
    assert sum(float(ratio.std()) > 0.02 for ratio in ratios) > 12


def test_blur_is_in_proportion_to_the_image():
    noise = torch.rand(1, 112, 112)
    kept = []
    for side in (112, 448):
        transform = view_transforms((side, side), crop=(1.0, 1.0), intensity=0.0, blur=1.0)
        transform.transforms[0].sides = np.ones
        kept.append(np.mean([float(_view(transform, noise, seed=k).std()) for k in range(20)]))
    assert kept[1] < 0.6 * kept[0] < 0.6 * float(noise.std())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crop": (0.0, 1.0)}, r"crop must be the least and the greatest share .* got \(0.0, 1.0"),
        ({"crop": (0.5, 0.2)}, r"got \(0.5, 0.2\)"),
        ({"crop": (0.5, 1.2)}, r"got \(0.5, 1.2\)"),
        ({"crop": (0.5,)}, r"got \(0.5,\)"),
        ({"intensity": 1.0}, "intensity must be from 0 to less than 1, got 1.0"),
        ({"intensity": -0.1}, "intensity must be from 0 to less than 1, got -0.1"),
    ],
)
def test_what_is_no_view_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        view_transforms((8, 8), **options)
