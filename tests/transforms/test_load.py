"""Loading: what MONAI loads, and one line for what a network could not use."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gemini_monai.base.errors import InputError
from gemini_monai.images import read
from gemini_monai.transforms.load import LoadScand
from tests.data.prepare.made import image, save


def _load(path, *, spatial_dims=2, in_channels=1):
    load = LoadScand("image", spatial_dims=spatial_dims, in_channels=in_channels)
    return load({"image": str(path)})["image"]


def test_an_image_keeps_its_values_affine_and_name(tmp_path):
    affine = np.diag([2.0, 3.0, 1.0, 1.0])
    save(tmp_path / "a.nii.gz", image(0), affine=affine)
    loaded = _load(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(loaded[0].numpy(), image(0))
    np.testing.assert_array_equal(loaded.affine, affine)
    assert loaded.meta["filename_or_obj"] == str(tmp_path / "a.nii.gz")


def test_several_files_are_channels(tmp_path):
    for k in range(3):
        save(tmp_path / f"{k}.nii.gz", image(k))
    stacked = read([tmp_path / f"{k}.nii.gz" for k in range(3)])
    assert stacked.shape == (3, 12, 10)
    np.testing.assert_array_equal(stacked[2].numpy(), image(2))


def _picture(path, mode, colors):
    Image.fromarray(np.stack(colors, axis=-1).transpose(1, 0, 2), mode).save(path)
    return path


def test_gray_stored_as_colors_with_opacity_is_one_channel(tmp_path):
    gray, opaque = image(0), np.full((12, 10), 255, np.uint8)
    for mode, colors in (("RGBA", [gray] * 3 + [opaque]), ("RGB", [gray] * 3)):
        loaded = _load(_picture(tmp_path / f"{mode}.png", mode, colors))
        np.testing.assert_array_equal(loaded.numpy(), gray[None])
    loaded = _load(tmp_path / "RGB.png", in_channels=3)  # among images that have colors
    np.testing.assert_array_equal(loaded.numpy(), [gray] * 3)


def test_colors_that_say_something_stay_and_transparency_is_named(tmp_path):
    colors, opaque = [image(k) for k in range(3)], np.full((12, 10), 255, np.uint8)
    path = _picture(tmp_path / "colors.png", "RGBA", [*colors, opaque])
    np.testing.assert_array_equal(_load(path, in_channels=3).numpy(), colors)
    faint = _picture(tmp_path / "faint.png", "RGBA", [*colors, opaque // 2])
    with pytest.raises(InputError, match=r"faint\.png: is transparent in places"):
        _load(faint, in_channels=3)


def test_a_picture_has_no_millimeters(tmp_path):
    load = LoadScand("image", spatial_dims=2, in_channels=1, in_millimeters=True)
    for suffix in (".png", ".nii.gz"):
        save(tmp_path / f"a{suffix}", image(0))
    assert load({"image": str(tmp_path / "a.nii.gz")})["image"].shape == (1, 12, 10)
    with pytest.raises(InputError, match=r"a\.png: says no voxel size, such as a PNG"):
        load({"image": str(tmp_path / "a.png")})


def test_what_does_not_fit_is_named(tmp_path):
    save(tmp_path / "a.nii.gz", image(0))
    nan = image(0).astype(np.float32)
    nan[0, 0] = np.nan
    save(tmp_path / "nan.nii.gz", nan)
    save(tmp_path / "edge.nii.gz", image(0, (12, 1, 10)))
    (tmp_path / "bad.nii.gz").write_bytes(b"no image")
    for name, options, message in (
        ("a", {"spatial_dims": 3}, r"a\.nii\.gz: a 2-D image of shape \(12, 10\).*for 3-D"),
        ("edge", {}, r"edge\.nii\.gz: a 3-D image.*is stored with its axis of one voxel last"),
        ("a", {"in_channels": 3}, r"a\.nii\.gz: 1 channel\(s\), the configuration is for 3"),
        ("nan", {}, r"nan\.nii\.gz: holds values that are not finite"),
        ("bad", {}, r"bad\.nii\.gz: cannot be read as an image"),
        ("absent", {}, r"absent\.nii\.gz: no such file"),
    ):
        with pytest.raises(InputError, match=message):
            _load(tmp_path / f"{name}.nii.gz", **options)


@pytest.mark.parametrize("high", [1, 255])
def test_several_label_files_are_masks_of_zeros_and_ones(tmp_path, high):
    for k in range(2):
        save(tmp_path / f"{k}.png", high * (image(k) > 100).astype(np.uint8))
    load = LoadScand("label", spatial_dims=2, in_channels=1)
    loaded = load({"label": [str(tmp_path / f"{k}.png") for k in range(2)]})["label"]
    np.testing.assert_array_equal(loaded.numpy(), [image(k) > 100 for k in range(2)])
    assert loaded.meta["filename_or_obj"]
