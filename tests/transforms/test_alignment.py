"""Sampling on a grid: what identity is, what is outside, and the way back."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms import Compose, Invertd, Orientation

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.world import output_grid, world_displacement
from gemini_monai.transforms import ResampleToGridd
from tests.data.prepare.made import save
from tests.volumes import CENTERED, INTENSITY, SHAPE, corner_error, moved, volume

SIZE = (24, 28, 20)
NATIVE = np.array([[-1.1, 0, 0, 19], [0, 0, 0.9, -14], [0, 1.2, 0, -17], [0, 0, 0, 1.0]])


def _transform(keys="image", **options):
    defaults = {"spatial_size": SIZE, "spacing": (1.3, 1.3, 1.3), "intensity": INTENSITY}
    return ResampleToGridd(keys, **(defaults | options))


def _grid(affine=CENTERED, shape=SHAPE):
    return output_grid(affine, shape, spacing=(1.3, 1.3, 1.3), spatial_size=SIZE)


def test_the_grid_of_no_transform_is_plain_reorientation():
    image = volume(affine=NATIVE, shape=(36, 30, 34))
    own = {"spacing": (1.1, 0.9, 1.2), "spatial_size": (36, 34, 30)}
    grid = output_grid(NATIVE, (36, 30, 34), **own)
    ours = _transform(**own)({"image": image, "grid": grid.tolist()})["image"]
    plain = Orientation("RAS", labels=None)(image)
    torch.testing.assert_close(ours.as_tensor(), plain.as_tensor(), atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.affine, plain.affine)


def test_an_image_comes_to_lie_where_the_reference_does():
    truth = moved(degrees=5, scale=(1, 1, 1), shift=(1, -1, 1))
    item = {"image": volume(truth, affine=NATIVE, shape=(36, 30, 34)), "grid": truth @ _grid()}
    reference = {"image": volume(), "grid": _grid()}
    ours, theirs = (_transform()(own)["image"] for own in (item, reference))
    assert (ours - theirs).as_tensor()[:, 5:-5, 5:-5, 5:-5].abs().max() < 0.05
    assert "grid" not in _transform()(item)
    np.testing.assert_allclose(ours.affine, truth @ _grid())


def test_outside_is_the_least_value():
    image = volume() * 100 - 1000
    far = CENTERED.copy()
    far[:3, 3] += 1000
    found = _transform()({"image": image, "grid": far})["image"]
    assert torch.equal(found.unique().as_tensor(), image.min().as_tensor()[None])


def test_outside_is_the_least_value_of_each_channel():
    """CT in the first one, PET in the second: -1000 there would be far from all that it holds."""
    image = MetaTensor(torch.cat([volume() * 100 - 1000, volume() * 20 + 1]), affine=CENTERED)
    far = CENTERED.copy()
    far[:3, 3] += 10
    found = _transform()({"image": image, "grid": far})["image"]
    for ours, theirs in zip(found, image, strict=True):
        assert float(ours.min()) == float(theirs.min())


def test_predictions_come_back_to_the_native_grid():
    image = volume(affine=NATIVE, shape=(36, 30, 34))
    label = MetaTensor((image > 0.3).float() + (image > 0.7).float(), affine=image.affine)
    transform = Compose([_transform(["image", "label"], allow_missing_keys=True)])
    grid = moved(degrees=5, scale=(0.8, 0.8, 0.8), shift=(0, 0, 0)) @ output_grid(
        CENTERED, SHAPE, spacing=(0.9,) * 3, spatial_size=(48,) * 3
    )
    transform.transforms[0].spatial_size = (48, 48, 48)
    item = transform({"image": image, "label": label, "grid": grid})
    values = torch.stack([item["label"][0] == k for k in range(3)]).float() * 8 - 4
    item["pred"] = MetaTensor(values, affine=item["image"].affine)
    back = Invertd("pred", transform=transform, orig_keys="image", nearest_interp=False)(item)
    found = back["pred"].argmax(0)
    assert found.shape == label.shape[1:]
    np.testing.assert_allclose(back["pred"].affine, NATIVE, atol=1e-12)
    for structure in (1, 2):
        ours, truth = found == structure, label[0] == structure
        assert 2 * (ours & truth).sum() / (ours.sum() + truth.sum()) > 0.93
    both = transform.inverse({"label": item["label"]})["label"]
    assert set(both.unique().tolist()) == {0, 1, 2}


def test_logits_outside_the_grid_are_background():
    transform = Compose([_transform()])
    item = transform({"image": volume(), "grid": _grid() @ np.diag([0.5, 0.5, 0.5, 1])})
    logits = torch.rand(2, *SIZE) - 0.5
    item["pred"] = MetaTensor(logits, affine=item["image"].affine)
    back = Invertd("pred", transform=transform, orig_keys="image", nearest_interp=False)(item)
    assert (back["pred"][:, -1] < 0).all()
    assert back["pred"].max() > 0.2  # inside they are what they were


def test_a_new_image_is_registered_to_the_reference(tmp_path):
    truth = moved(degrees=5)
    save(tmp_path / "reference.nii.gz", volume()[0].numpy(), affine=CENTERED)
    image = volume(truth)
    found = _transform(reference=tmp_path / "reference.nii.gz")({"image": image})["image"]
    transform = np.asarray(found.affine) @ np.linalg.inv(_grid())
    assert corner_error(transform, truth) < 1
    with pytest.raises(InputError, match="no grid from prepare, and no reference"):
        _transform()({"image": image})
    with pytest.raises(InputError, match=r"absent\.nii: no such reference; give --reference"):
        _transform(reference=tmp_path / "absent.nii")({"image": image})


def test_a_still_field_between_aligned_images_is_the_affine_between_them():
    """What register.json writes: the affine part is in the field."""
    first, second = moved(degrees=5), moved(degrees=-4, shift=(1, 2, -3))
    moving, fixed = (
        _transform()({"image": volume(own), "grid": own @ _grid()})["image"]
        for own in (first, second)
    )
    field = world_displacement(
        torch.zeros(1, 3, *SIZE),
        fixed_network=fixed.affine,
        moving_network=moving.affine,
        fixed=volume(second),
    )
    point = np.array([17, 14, 16, 1.0])
    world = CENTERED @ point
    expected = first @ np.linalg.inv(second) @ world - world
    np.testing.assert_allclose(field[:, 17, 14, 16], expected[:3], atol=1e-5)


def test_a_grid_survives_json():
    item = {"image": volume(), "grid": json.loads(json.dumps(_grid().tolist()))}
    np.testing.assert_allclose(_transform()(item)["image"].affine, _grid())
