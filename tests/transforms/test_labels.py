"""Labels on another grid: what stays, thick structures, thin ones, masks, and the way back."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms import AsDiscrete, Compose, Invertd, Resize, Spacing, SpatialResample

from gemini_monai.transforms import InputSpec, preprocessing
from gemini_monai.transforms.labels import ResampleLabeld, resampled_label
from tests.data.prepare.made import save


def _label(values, spacing=(1.0, 1.0, 1.0)):
    affine = torch.diag(torch.tensor([*spacing, 1.0], dtype=torch.float64))
    return MetaTensor(torch.as_tensor(values, dtype=torch.float32)[None], affine=affine)


def _ball(radius, *, side=32, center=(15.3, 16.2, 15.8), spacing=1.0):
    """Voxels whose middle lies in a ball, whatever the voxel size; (S, S, S)."""
    axes = np.arange(round(side / spacing)) * spacing
    points = np.stack(np.meshgrid(axes, axes, axes, indexing="ij"), axis=-1)
    return np.linalg.norm(points - center, axis=-1) <= radius


def _spacing(size, **options):
    return Spacing([size] * 3 if isinstance(size, float) else size, mode="bilinear", **options)


def _dice(a, b):
    a, b = (np.asarray(own) > 0 for own in (a, b))
    return 2 * (a & b).sum() / (a.sum() + b.sum())


@pytest.mark.parametrize("codes", [(0, 1, 2), (0, 7, 484_682), (3, 4, 5)])
def test_a_label_that_stays_on_its_grid_is_unchanged(codes):
    values = np.array(codes)[np.random.default_rng(0).integers(0, 3, (12, 10, 8))]
    for resample in (_spacing(1.0), Resize([12, 10, 8], mode="area")):
        found = resampled_label(_label(values), resample)
        assert torch.equal(found.as_tensor(), _label(values).as_tensor())


@pytest.mark.parametrize("size", [0.7, 1.6, 2.0])
def test_a_thick_structure_is_what_it_would_be_on_the_grid(size):
    truth = _ball(10, spacing=size)
    label = _label(_ball(10))
    ours = resampled_label(label, partial(_spacing(size), output_spatial_shape=truth.shape))
    nearest = Spacing([size] * 3, mode="nearest")(label, output_spatial_shape=truth.shape)
    assert _dice(ours[0], truth) > max(0.97, _dice(nearest[0], truth) - 0.003)


def _line(offset, *, spacing=(1.0, 1.0, 1.0), side=40):
    """A line one voxel thick, askew, beside a ball; (S, S, S)."""
    values = np.zeros([round(side / size) for size in spacing])
    values[: values.shape[0] // 3, : values.shape[1] // 3] = 1
    steps = np.linspace(0.1, 0.85, 400)
    line = np.stack([0.5 * steps + 0.3, 0.7 - 0.3 * steps, steps], axis=1) * values.shape
    values[tuple((line + offset).astype(int).T)] = 2
    return values


@pytest.mark.parametrize(
    ("on_file", "wanted"),
    [((1.0,) * 3, 1.5), ((1.0,) * 3, 1.3), ((1.0, 1.0, 5.0), 1.4), ((2.0,) * 3, 1.0)],
)
def test_a_line_of_one_voxel_keeps_its_volume(on_file, wanted):
    """The largest share alone takes half of it or more."""
    kept: dict[str, list[float]] = {"ours": [], "largest": []}
    for offset in (0.0, 0.4, 0.8):
        label = _label(_line(offset, spacing=on_file), on_file)
        ours = resampled_label(label, _spacing(wanted))
        shares = _spacing(wanted)(AsDiscrete(to_onehot=3)(label))
        for name, values in (("ours", ours), ("largest", shares.argmax(0))):
            volume = float((values == 2).sum()) * wanted**3 / np.prod(on_file)
            kept[name].append(volume / float((label == 2).sum()))
    assert 0.8 < np.mean(kept["ours"]) < 1.5
    assert np.mean(kept["largest"]) < 0.7


def test_between_two_structures_there_is_no_background():
    values = np.ones((12, 12, 12))
    values[6:] = 2
    values[:, 5:] = 3
    found = resampled_label(_label(values), _spacing(1.4))
    assert set(found.unique().tolist()) == {1, 2, 3}


def test_what_lies_halfway_is_the_structure_s():
    values = np.zeros((8, 8, 8))
    values[3] = 1  # 2 mm thick, so 3 voxels of 1 mm
    found = resampled_label(_label(values, (2.0, 2.0, 2.0)), _spacing(1.0))
    assert [int(own) for own in found[0, :, 4, 4].nonzero()] in ([5, 6, 7], [6])
    assert (found[0, :, 4, 4] == found[0, :, 0, 0]).all()


def test_structures_that_overlap_have_half_each():
    masks = torch.stack([torch.as_tensor(_ball(r), dtype=torch.float32) for r in (10, 7)])
    label = MetaTensor(masks, affine=torch.eye(4, dtype=torch.float64))
    found = resampled_label(label, _spacing(1.6), overlapping=True)
    plain = AsDiscrete(threshold=0.5)(_spacing(1.6)(label))
    for ours, theirs in zip(found, plain, strict=True):
        assert _dice(ours, theirs) > 0.97
    assert set(found.unique().tolist()) == {0, 1}
    assert (found[0] >= found[1]).all()


def test_structures_go_one_at_a_time():
    """Many of them do not need many times the memory."""
    asked = []

    def resample(image):
        asked.append(len(image))
        return _spacing(1.5)(image)

    values = np.random.default_rng(0).integers(0, 40, (12, 12, 12))
    resampled_label(_label(values), resample)
    resampled_label(MetaTensor(torch.ones(6, 8, 8, 8)), resample, overlapping=True)
    assert asked == [1, *[1] * 39, 6, *[1] * 6]  # first what the grid is, then each by itself


def test_outside_an_aligned_image_is_background():
    label = _label(_ball(9) + 1.0)
    far = torch.eye(4, dtype=torch.float64)
    far[0, 3] = 20
    onto = partial(SpatialResample(padding_mode="zeros"), dst_affine=far, spatial_size=[24] * 3)
    found = resampled_label(label, onto)
    assert set(found[:, :11].unique().tolist()) == {1, 2}
    assert set(found[:, 13:].unique().tolist()) == {0}


def test_a_label_is_as_large_as_its_image_and_comes_back():
    image, label = (_label(_ball(8)), _label(_ball(8)))
    label.affine[0, 3] = label.affine[0, 0] * 0.04  # as far off as prepare lets pass
    spacing = _spacing(1.37)
    onto = Compose([ResampleLabeld("label", transform=spacing)])
    item = onto({"image": spacing(image), "label": label})
    assert item["label"].shape == item["image"].shape
    back = onto.inverse(item)["label"]
    assert back.shape == label.shape
    assert _dice(back, label) > 0.93


def _spec(**changes):
    known = {"spatial_dims": 2, "in_channels": 1, "spatial_size": (12, 10)}
    known |= {"intensity": {"kind": "range", "lower": 0.0, "upper": 1.0}, "label_values": (0, 1)}
    return InputSpec(**(known | changes))


def test_pictures_come_back_linearly(tmp_path):
    """Logits of a ramp on a third of the size are a ramp again, and not steps."""
    ramp = np.repeat(np.arange(36, dtype=np.uint8)[:, None], 30, axis=1)
    save(tmp_path / "a.png", ramp)
    save(tmp_path / "label.png", (ramp > 17).astype(np.uint8))
    chain = preprocessing(_spec())
    item = chain({"image": str(tmp_path / "a.png"), "label": str(tmp_path / "label.png")})
    assert (item["label"][0, 6:] == 1).all()
    assert not item["label"][0, :6].any()
    logits = torch.arange(12.0)[None, :, None].expand(1, 12, 10).contiguous()
    item["pred"] = MetaTensor(logits, affine=item["image"].affine)
    undo = Invertd("pred", transform=chain, orig_keys="image", nearest_interp=False)
    back = undo(item)["pred"].as_tensor()
    expected = np.clip((np.arange(36) + 0.5) / 3 - 0.5, 0, 11)
    np.testing.assert_allclose(back[0, :, 15], expected, atol=1e-5)


def test_a_line_in_a_picture_is_there_on_a_smaller_one(tmp_path):
    """A mean over areas leaves nothing out."""
    values = np.zeros((36, 30), np.uint8)
    values[10] = 1
    save(tmp_path / "label.png", values)
    save(tmp_path / "a.png", np.arange(1080, dtype=np.uint8).reshape(36, 30))
    item = {"image": str(tmp_path / "a.png"), "label": str(tmp_path / "label.png")}
    label = preprocessing(_spec())(item)["label"]
    assert (label[0, 3] == 1).all()
    assert not label[0, 4:].any()
