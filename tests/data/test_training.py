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
)

from gemini_monai.base.errors import InputError
from gemini_monai.data import read_cohort, training_dataset

KEYS = ["image", "label"]


def _batch(phantom, transforms):
    load = Compose(
        [
            LoadImaged(KEYS, allow_missing_keys=True),
            EnsureChannelFirstd(KEYS, allow_missing_keys=True),
        ]
    )
    options = {"reads": KEYS, "iterations": 1, "transform": load}
    cohort = read_cohort(phantom)
    return training_dataset(cohort, random_transforms=transforms, **options)[0]


def test_a_list_of_random_transforms_is_their_composition(tiny_phantom):
    parts = [RandFlipd(KEYS, prob=1.0, spatial_axis=0), RandScaleIntensityd("image", 0.5, prob=1.0)]
    found, expected = (_batch(tiny_phantom, given) for given in (parts, Compose(parts)))
    for key in KEYS:
        assert torch.equal(found[key], expected[key])
    plain = _batch(tiny_phantom, None)
    assert torch.equal(found["label"], plain["label"].flip(2))


@pytest.mark.parametrize("given", ["RandFlipd", ["RandFlipd"], {"keys": KEYS}])
def test_what_is_no_transform_is_named(tiny_phantom, given):
    with pytest.raises(InputError, match="random_transforms: expected transforms, got"):
        _batch(tiny_phantom, given)
