"""How images are held, and which slice is shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from gemini_monai.report.read.planes import View, as_it_lies, choose_view, orientation_of
from gemini_monai.report.read.shown_volumes import load_volume

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
