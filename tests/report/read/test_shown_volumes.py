"""How images and masks are read from files."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from gemini_monai.report.read.shown_volumes import (
    channel_masks,
    ignored_mask,
    load_masks,
    load_volume,
)


def test_index_map_becomes_a_mask_per_structure() -> None:
    masks = channel_masks(np.array([[0, 3, 7]]), values={"a": 3, "b": 7})
    assert {name: mask.tolist() for name, mask in masks.items()} == {
        "a": [False, True, False],
        "b": [False, False, True],
    }


def test_prediction_that_counts_structures_in_order_is_understood() -> None:
    masks = channel_masks(np.array([[0, 1, 2]]), values={"a": 3, "b": 7})
    assert masks["b"].tolist() == [False, False, True]


def test_overlapping_structures_are_read_from_channels_and_from_files(tmp_path: Path) -> None:
    channels = np.zeros((4, 5, 2), np.uint8)
    channels[:3, :, 0], channels[2:, :, 1] = 1, 1
    nibabel.save(nibabel.Nifti1Image(channels, np.eye(4)), tmp_path / "both.nii.gz")
    for place, name in enumerate("ab"):
        Image.fromarray(channels[..., place].T * 255).save(tmp_path / f"{name}.png")
    values = {"a": 1, "b": 2}
    one = load_masks([tmp_path / "both.nii.gz"], values=values, spatial_dims=2)
    files = [tmp_path / "a.png", tmp_path / "b.png"]
    two = load_masks(files, values=values, spatial_dims=2)
    for place, name in enumerate("ab"):
        np.testing.assert_array_equal(one[name], channels[..., place] > 0)
        np.testing.assert_array_equal(two[name], channels[..., place] > 0)


@pytest.mark.parametrize(
    ("content", "message"), [(None, "no such file"), (b"no image", "cannot be read as an image")]
)
def test_file_that_cannot_be_shown_is_named(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "image.nii.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OSError, match=rf"image\.nii\.gz: {message}"):
        load_volume(path, spatial_dims=2)


def test_volume_in_a_2d_run_is_refused(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 5, 6, 2)), np.eye(4)), tmp_path / "image.nii.gz")
    with pytest.raises(OSError, match="is not 2-D"):
        load_volume(tmp_path / "image.nii.gz", spatial_dims=2)


@pytest.mark.parametrize("ignore", [255, 7])
def test_ignored_voxels_are_no_structure_and_leave_values_as_they_are(ignore: int) -> None:
    label = np.array([[0, 3, 9, ignore]])
    masks = channel_masks(label, values={"a": 3, "b": 9}, ignore=ignore)
    assert masks["a"].tolist() == [False, True, False, False]
    assert masks["b"].tolist() == [False, False, True, False]
    found = ignored_mask(label, ignore=ignore)
    assert found is not None
    assert found.tolist() == [False, False, False, True]
    assert ignored_mask(label[:, :3], ignore=ignore) is None
    assert ignored_mask(label, ignore=None) is None


def test_masks_of_overlapping_structures_are_ignored_one_by_one() -> None:
    channels = np.array([[0, 1, 255], [1, 255, 0]])
    masks = channel_masks(channels, values={"a": 0, "b": 1}, ignore=255)
    assert {name: mask.tolist() for name, mask in masks.items()} == {
        "a": [False, True, False],
        "b": [True, False, False],
    }
    found = ignored_mask(channels, ignore=255)
    assert found is not None
    assert found.tolist() == [False, True, True]
