"""Scores and atlases meet where files do: a part in its whole, and pictures about their centers."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch
from monai.data import list_data_collate

from gemini_monai.inference import AtlasInferer, RegistrationScores, registration_items
from gemini_monai.networks import Gemini
from gemini_monai.transforms import InputSpec, preprocessing
from tests.data.prepare.made import save
from tests.inference.networks import Shift

SHAPE, PART = (14, 12, 20), 11


def _spec(axes, *, spacing=True, **options):
    return InputSpec(
        spatial_dims=axes,
        in_channels=1,
        spatial_size=[12] * axes,
        intensity={"kind": "percentile", "lower": 0, "upper": 100},
        spacing=[1.0] * axes if spacing else None,
        label_values=(0, 1, 2),
        structures=("a", "b"),
        **options,
    )


def _blocks(shape):
    """Two blocks, both within the first slices."""
    label = np.zeros(shape, np.uint8)
    label[4:9, ..., 1:7] = 1
    label[6:8, ..., 3:5] = 2
    return label


def _items(folder, axes, *, suffix=".nii.gz", affine=None):
    """A whole scan and its first slices, of two patients so that they are paired."""
    label = _blocks(SHAPE[-axes:])
    noise = np.random.default_rng(0).integers(1, 40, label.shape)
    image = (80 * label + noise).astype(np.uint8)
    items = []
    for name, last in (("whole", None), ("part", PART)):
        files = {"image": folder / f"{name}{suffix}", "label": folder / f"{name}_label{suffix}"}
        for key, array in (("image", image), ("label", label)):
            save(files[key], array[..., :last], affine=affine)
        items.append({"case": name, **{key: str(path) for key, path in files.items()}})
    return items


def _rows(folder, network, data, spec):
    RegistrationScores(network=network, data=data, folder=folder, spec=spec).run()
    with (folder / "registration.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _dice(first, second):
    return 2 * (first & second).sum() / (first.sum() + second.sum())


@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize("axes", [2, 3])
def test_a_part_is_scored_where_it_lies_in_its_whole(tmp_path, axes, cache):
    affine = np.diag([-1.0, 1, 1, 1])
    items = _items(tmp_path, axes, affine=affine)
    spec = _spec(axes)
    cache_dir = tmp_path / "cache" if cache else None
    data = registration_items(items, spec, cache_dir=cache_dir)
    rows = _rows(tmp_path / "out", Shift(*[0] * axes), data, spec)
    assert len(rows) == 2
    for row in rows:  # both orders
        assert (row["start"], float(row["start_mm"])) == ("world", 0)
        assert float(row["dice_before"]) == float(row["dice_after"]) == 1
    shifted = _rows(tmp_path / "shifted", Shift(*[0] * (axes - 1), 1), data, spec)
    label = _blocks(SHAPE[-axes:])
    expected = np.mean([_dice(label[..., 1:] == k, label[..., :-1] == k) for k in (1, 2)])
    for row in shifted:
        assert float(row["dice_after"]) == pytest.approx(expected)


def test_without_a_spacing_the_part_is_as_large_as_in_the_whole(tmp_path):
    items = _items(tmp_path, 3)
    spec = _spec(3, spacing=False)
    rows = _rows(tmp_path / "out", Shift(0, 0, 0), registration_items(items, spec), spec)
    for row in rows:
        assert row["start"] == "world"
        assert float(row["dice_before"]) > 0.75  # labels are sampled twice


def test_pictures_meet_about_their_centers(tmp_path):
    items = _items(tmp_path, 2, suffix=".png")
    spec = _spec(2, spacing=False)
    rows = _rows(tmp_path / f"{spec.spacing}", Shift(0, 0), registration_items(items, spec), spec)
    for row in rows:
        assert row["start"] == "center"
        assert float(row["dice_before"]) < 0.7
    assert float(row["start_mm"]) == 0  # resized to one size, voxel onto voxel


@pytest.fixture
def still():
    """A network whose field is zero everywhere."""

    def made(axes):
        network = Gemini(axes, 1, 3, channels=(4, 8), deformer_stages=1)
        for own in network.deformer.parameters():
            torch.nn.init.zeros_(own)
        return network.eval()

    return made


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("axes", [2, 3])
def test_an_atlas_votes_where_it_lies(tmp_path, still, axes, order):
    """Of the part in the whole, and of the whole in the part; the window sees all blocks."""
    atlas, asked = _items(tmp_path, axes)[::order]
    spec = _spec(axes)
    atlases = registration_items([atlas], spec)
    inferer = AtlasInferer(atlases, classes=3, spatial_size=spec.spatial_size)
    item = preprocessing(spec)(dict(asked))
    with torch.no_grad():
        votes = inferer(list_data_collate([item])["image"], still(axes))
    torch.testing.assert_close(votes.sum(dim=1), torch.ones_like(votes[:, 0]))
    assert torch.equal(votes.argmax(dim=1)[0].float(), item["label"][0].as_tensor())


def test_aligned_items_meet_voxel_by_voxel(tmp_path):
    """Each lies on the reference's grid in its own world, where they would be far apart."""
    items = _items(tmp_path, 3)
    spec = _spec(3, align="itk")
    grids = [np.eye(4), np.eye(4)]
    grids[1][2, 3] = -4.0  # the second image's own place of the reference
    data = registration_items(
        [item | {"grid": own} for item, own in zip(items, grids, strict=True)], spec
    )
    rows = _rows(tmp_path / "out", Shift(0, 0, 0), data, spec)
    label = np.pad(_blocks(SHAPE), [(0, 0), (0, 0), (4, 0)])
    first, second = label[:12, :12, 4:16], label[:12, :12, :12]
    expected = np.mean([_dice(first == k, second == k) for k in (1, 2)])
    for row in rows:
        assert (row["start"], float(row["start_mm"])) == ("affine", 0)
        assert float(row["dice_before"]) == pytest.approx(expected)
