"""Labels are whole numbers, exactly as stored, or refused."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.images import read, read_label, smallest_type, write_image
from tests.data.prepare.made import save


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.uint32, np.float64])
def test_values_are_those_of_the_file(tmp_path, kind):
    top = min(np.iinfo(kind).max if np.issubdtype(kind, np.integer) else 2**40, 484682470)
    values = np.array([[0, 1], [top - 1, top]]).astype(kind)
    save(tmp_path / "l.nii.gz", values)
    np.testing.assert_array_equal(read_label(tmp_path / "l.nii.gz")[0].numpy(), values.astype(int))


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha", ".png"])
@pytest.mark.parametrize("top", [1, 255, 256, 65535, 65536, 2**32 - 1, 2**40])
def test_what_is_written_is_read_again(tmp_path, suffix, top):
    values = np.array([[[0, 1, top], [top, 0, 1]]])
    array = values.astype(smallest_type(values.ravel()))
    affine = np.diag([0.5, 2.0, 1.0, 1.0])
    if (suffix == ".png" and top > 65535) or (suffix in (".nrrd", ".mha") and top >= 2**32):
        with pytest.raises(InputError, match=r"PNG holds a 2-D map|can only be written as NIfTI"):
            write_image(tmp_path / f"l{suffix}", array, affine=affine)
        assert not list(tmp_path.iterdir())
        return
    write_image(tmp_path / f"l{suffix}", array, affine=affine)
    label = read_label(tmp_path / f"l{suffix}")
    np.testing.assert_array_equal(label.numpy(), values)
    if suffix != ".png":
        np.testing.assert_allclose(label.affine[:2, :2], affine[:2, :2])


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0, 255], "uint8"), ([256], "uint16"), ([65536], "uint32"), ([2**32], "int64")],
)
def test_the_type_is_the_smallest_that_holds_them(values, expected):
    assert smallest_type([0, *values]) == np.dtype(expected)


def test_what_no_type_holds_is_refused():
    for values in ([2**63], [-1, 2**63]):
        with pytest.raises(InputError, match="no file type holds them"):
            smallest_type(values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([[-1, 0], [1, 2]], np.int8), "label values from -1 to 2, expected 0 to"),
        (np.array([[0, 0.5]]), "label values must be whole numbers, got 0.5"),
        (np.array([[0, np.nan]]), "not finite"),
        (np.array([[0, 2.0**60]]), "expected 0 to 9007199254740991"),
        (np.arange(-300, 300).reshape(20, 30), "600 distinct values from -300 to 299.*exchanged"),
    ],
)
def test_what_is_no_label_is_named(tmp_path, values, message):
    kind = np.int16 if np.issubdtype(values.dtype, np.integer) else np.float64
    save(tmp_path / "l.nii.gz", values.astype(kind))
    with pytest.raises(InputError, match=rf"l\.nii\.gz: .*{message}"):
        read_label(tmp_path / "l.nii.gz")


@pytest.mark.parametrize("row", ["srow_z", "srow_x"])
def test_a_singular_affine_is_refused(tmp_path, row):
    image = nib.Nifti1Image(np.ones((4, 5, 6), np.uint8), np.eye(4))
    image.header[row] = 0
    image.header["sform_code"] = 1
    nib.save(nib.Nifti1Image(image.dataobj, None, image.header), tmp_path / "a.nii.gz")
    with pytest.raises(InputError, match=r"a\.nii\.gz: its affine is singular"):
        read(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("scale", [1e-6, 1e3])
def test_a_small_voxel_is_not_a_singular_one(tmp_path, scale):
    save(tmp_path / "a.nii.gz", np.ones((4, 5, 6), np.uint8), affine=np.diag([scale] * 3 + [1.0]))
    np.testing.assert_allclose(read(tmp_path / "a.nii.gz").pixdim, scale, rtol=1e-6)


def test_a_volume_of_one_slice_is_an_image_of_two_axes_and_goes_back(tmp_path):
    values = np.arange(20, dtype=np.uint8).reshape(4, 5, 1)
    save(tmp_path / "a.nii.gz", values, affine=np.diag([2.0, 3.0, 9.0, 1.0]))
    image = read(tmp_path / "a.nii.gz")
    assert image.shape == (1, 4, 5)
    shape = image.meta["file_shape"]
    write_image(tmp_path / "b.nii.gz", image.numpy(), affine=image.affine, shape=shape)
    written = nib.load(tmp_path / "b.nii.gz")
    assert written.shape == (4, 5, 1)
    np.testing.assert_allclose(written.affine, np.diag([2.0, 3.0, 9.0, 1.0]))
    np.testing.assert_array_equal(np.asarray(written.dataobj), values)
