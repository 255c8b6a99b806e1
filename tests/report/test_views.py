"""How images are held, which slice is shown, and how masks are read from files."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from gemini_monai.report.views import View, as_it_lies, choose_view, orientation_of
from gemini_monai.report.volumes import channel_masks, load_masks, load_volume

RAS = np.diag([1.0, 1.0, 1.0, 1.0])
RAS[:3, 3] = 1.0  # an exact identity would say nothing


def test_picture_is_shown_as_it_lies(tmp_path: Path) -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    volume = load_volume(tmp_path / "image.png", spatial_dims=2)
    np.testing.assert_array_equal(View(volume.orientation)(volume.array[0]), pixels)


def test_scan_is_shown_with_front_on_top_and_right_on_the_left() -> None:
    array = np.zeros((4, 5, 6))
    array[3, 4, 2] = 1.0  # rightmost, frontmost
    view = View(orientation_of(RAS, axes=3), axis=2, index=2)
    assert np.argwhere(view(array)).tolist() == [[0, 0]]
    assert view.caption(array.shape) == "axial slice 3 of 6"


def test_scan_with_other_axis_order_is_shown_alike() -> None:
    array = np.random.default_rng(0).random((4, 5, 6))
    permuted = RAS[:, [2, 0, 1, 3]]  # the file's axes are up, right, front
    original = View(orientation_of(RAS, axes=3), axis=2, index=1)
    turned = View(orientation_of(permuted, axes=3), axis=0, index=1)
    np.testing.assert_array_equal(turned(array.transpose(2, 0, 1)), original(array))
    assert turned.caption((6, 4, 5)) == "axial slice 2 of 6"


def test_identity_affine_says_nothing_about_orientation() -> None:
    assert orientation_of(np.eye(4), axes=2) == as_it_lies((1.0, 1.0))


def test_pixels_keep_their_spacing() -> None:
    affine = np.diag([-2.0, -0.5, 3.0, 1.0])
    assert View(orientation_of(affine, axes=3), axis=2).pixel == (2.0, 0.5)


def test_slice_goes_through_the_middle_structure_where_most_foreground_is() -> None:
    large, small = np.zeros((6, 6, 8), bool), np.zeros((6, 6, 8), bool)
    large[:, :, 0], large[:2, :2, 5], large[:, :, 6] = True, True, True
    small[0, 0, 4:7] = True
    masks = {"large": large, "small": small}
    view = choose_view((6, 6, 8), masks, orientation=as_it_lies((1.0, 1.0, 1.0)))
    assert (view.axis, view.index) == (2, 6)


def test_slice_lies_in_the_acquisition_plane() -> None:
    view = choose_view((6, 7, 8), {}, orientation=as_it_lies((1.0, 4.0, 1.0)))
    assert (view.axis, view.index) == (1, 3)


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
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 5, 6, 2)), RAS), tmp_path / "image.nii.gz")
    with pytest.raises(OSError, match="is not 2-D"):
        load_volume(tmp_path / "image.nii.gz", spatial_dims=2)
