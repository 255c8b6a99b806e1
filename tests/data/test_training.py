"""What a training reads, as its configuration names it."""

from __future__ import annotations

import pytest
import torch
from monai.transforms import (
    Compose,
    EnsureChannelFirstd,
    LoadImaged,
    RandFlipd,
    RandScaleIntensityd,
    RandSpatialCropd,
)

from gemini_monai.base.errors import InputError
from gemini_monai.data import read_cohort, training_dataset

KEYS = ["image", "label"]


def _batch(phantom, *, reads=KEYS, **transforms):
    load = Compose(
        [
            LoadImaged(KEYS, allow_missing_keys=True),
            EnsureChannelFirstd(KEYS, allow_missing_keys=True),
        ]
    )
    options = {"reads": reads, "iterations": 1, "transform": load}
    return training_dataset(read_cohort(phantom), **options, **transforms)[0]


def test_a_list_of_random_transforms_is_their_composition(tiny_phantom):
    parts = [RandFlipd(KEYS, prob=1.0, spatial_axis=0), RandScaleIntensityd("image", 0.5, prob=1.0)]
    found, expected = (
        _batch(tiny_phantom, random_transforms=given) for given in (parts, Compose(parts))
    )
    for key in KEYS:
        assert torch.equal(found[key], expected[key])
    plain = _batch(tiny_phantom)
    assert torch.equal(found["label"], plain["label"].flip(2))


@pytest.mark.parametrize("name", ["random_transforms", "view_transforms"])
@pytest.mark.parametrize("given", ["RandFlipd", ["RandFlipd"], {"keys": KEYS}])
def test_what_is_no_transform_is_named(tiny_phantom, name, given):
    with pytest.raises(InputError, match=f"{name}: expected transforms, got"):
        _batch(tiny_phantom, **{name: given})


def test_a_transform_of_views_is_of_views_alone(tiny_phantom):
    flip = RandFlipd(KEYS, prob=0.5, allow_missing_keys=True)
    bright = RandScaleIntensityd("image", 0.5, prob=1.0)
    keys = ["image", "label", "unlabeled", "image_a", "view_a", "view_b"]
    given = ({}, {"view_transforms": flip}, {"view_transforms": [flip, bright]})
    same, named, other = (
        _batch(tiny_phantom, random_transforms=flip, reads=keys, **own) for own in given
    )
    for key in keys:
        assert torch.equal(same[key], named[key])
        assert torch.equal(same[key], other[key]) is not key.startswith("view")


def test_a_crop_goes_before_what_is_random(tiny_phantom):
    crop = RandSpatialCropd(KEYS, [8, 12], random_size=False, allow_missing_keys=True)
    keys = [*KEYS, "unlabeled", "plain", "changed"]
    bright = RandScaleIntensityd("image", 0.5, prob=1.0)
    for transform in (None, bright):
        found = _batch(tiny_phantom, reads=keys, crop=crop, random_transforms=transform)
        assert {tuple(found[key].shape[2:]) for key in keys} == {(8, 12)}


def test_crops_are_not_registered(tiny_phantom):
    crop = RandSpatialCropd(KEYS, [8, 8], random_size=False, allow_missing_keys=True)
    with pytest.raises(InputError, match="this method registers images; give --crops center"):
        _batch(tiny_phantom, reads=["image_a"], crop=crop)
