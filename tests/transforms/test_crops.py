"""Random crops: mostly about a structure, of image and label alike, and never beyond the image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data.meta_tensor import MetaTensor

from gemini_monai.base.errors import InputError
from gemini_monai.transforms import ForegroundCropd, InputSpec

SHAPE, SIZE = (24, 20, 16), (8, 8, 8)


def _spec(**given):
    names = {"structures": ("large", "small"), "label_values": (0, 1, 2)}
    known = {"in_channels": 1, "intensity": {"kind": "percentile", "lower": 0.0, "upper": 100.0}}
    return InputSpec(spatial_dims=3, spatial_size=SIZE, **known | names | given)


def _item(*, labeled=True):
    """An image whose values are its places; a large structure, and one of a voxel in a corner."""
    image = MetaTensor(torch.arange(float(np.prod(SHAPE))).reshape(1, *SHAPE))
    if not labeled:
        return {"image": image}
    label = torch.zeros(1, *SHAPE)
    label[:, 8:16, 6:14, 4:12] = 1
    label[:, 23, 19, 15] = 2
    return {"image": image, "label": MetaTensor(label)}


def _crops(item, count=60, **given):
    crop = ForegroundCropd(_spec(**given))
    crop.set_random_state(0)
    return [crop(item) for _ in range(count)]


def test_every_structure_is_seen_as_often_as_another_however_small():
    found = _crops(_item(), 300)
    small = np.mean([bool((own["label"] == 2).any()) for own in found])
    assert 0.28 < small < 0.42, "a third of the crops, and those that happen to hold it"
    assert np.mean([bool((own["label"] == 1).any()) for own in found]) > 0.5


def test_image_and_label_are_cut_alike_and_to_one_size():
    item = _item()
    for own in _crops(item):
        assert own["image"].shape == own["label"].shape == (1, *SIZE)
        places = own["image"].as_tensor().long().flatten()
        torch.testing.assert_close(
            item["label"].as_tensor().flatten()[places], own["label"].as_tensor().flatten()
        )


def test_one_seed_makes_one_crop():
    first, again = _crops(_item(), 5), _crops(_item(), 5)
    for own, other in zip(first, again, strict=True):
        torch.testing.assert_close(own["image"].as_tensor(), other["image"].as_tensor())


def test_images_without_a_label_or_a_structure_are_cut_anywhere():
    empty = _item()
    empty["label"] = torch.zeros_like(empty["label"])
    for item in (_item(labeled=False), empty):
        corners = {float(own["image"].min()) for own in _crops(item)}
        assert len(corners) > 40


def test_masks_that_overlap_have_crops_of_their_own():
    item = _item()
    masks = torch.cat([item["label"] == 1, item["label"] == 2]).float()
    item["label"] = MetaTensor(masks)
    found = _crops(item, 300, overlapping=True, label_values=(0, 1))
    assert 0.28 < np.mean([bool(own["label"][1].any()) for own in found]) < 0.42
    assert np.mean([not bool(own["label"].any()) for own in found]) > 0.03


def test_slices_are_no_volumes():
    with pytest.raises(InputError, match="key 'crops': random crops are of whole volumes"):
        ForegroundCropd(_spec(slices=True))
