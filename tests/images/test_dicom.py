"""A DICOM folder is one series whose slices lie where they say, or is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.images import read
from tests.images.dicom import along_z, volume, write_slices


def test_slices_are_ordered_by_place_and_not_by_name(tmp_path):
    values = volume()
    image = read(write_slices(tmp_path / "s", values, along_z(8)))
    np.testing.assert_array_equal(image[0].numpy(), values.transpose(2, 1, 0))
    np.testing.assert_allclose(image.affine, np.diag([-1.0, -1.0, 2.0, 1.0]), atol=1e-9)
    assert image.meta["filename_or_obj"] == str(tmp_path / "s")


def test_slices_may_run_the_other_way(tmp_path):
    values = volume()
    image = read(write_slices(tmp_path / "s", values, along_z(8, step=-2.0)))
    np.testing.assert_array_equal(image[0].numpy(), values[::-1].transpose(2, 1, 0))
    np.testing.assert_allclose(image.affine[:3, 3], [0, 0, -14], atol=1e-9)


@pytest.mark.parametrize("degrees", [0.5, 18.5, -25.0])
def test_gantry_tilt_is_in_the_affine(tmp_path, degrees):
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    rows, columns = np.array([1, 0, 0.0]), np.array([0, cos, -sin])
    direction = np.stack([rows, columns, np.cross(rows, columns)], axis=1)
    folder = write_slices(
        tmp_path / "s", volume(), along_z(8, step=4), direction=direction, spacing=(1, 1.5, 4)
    )
    affine = np.asarray(read(folder).affine)
    for k in range(8):  # voxel (0, 0, k) lies where slice k does, in RAS+
        np.testing.assert_allclose(affine @ [0, 0, k, 1], [0, 0, 4 * k, 1], atol=1e-6)
    np.testing.assert_allclose(affine[:3, 1], [0, -1.5 * cos, -1.5 * sin], atol=1e-6)


def test_one_slice_is_an_image_of_two_axes(tmp_path):
    image = read(write_slices(tmp_path / "x", volume((1, 6, 5)), along_z(1)))
    assert image.shape == (1, 5, 6)


def test_a_series_is_read_without_a_word(tmp_path, capfd):
    """ITK's reader of HDF5 wrote forty lines of each folder."""
    folder = write_slices(tmp_path / "s", volume(), along_z(8))
    capfd.readouterr()
    read(folder)
    assert capfd.readouterr() == ("", "")


def test_two_series_in_one_folder_are_listed(tmp_path):
    folder = write_slices(tmp_path / "s", volume((1, 9, 9)), along_z(1), uid="1.9.1", name="scout")
    write_slices(folder, volume(), along_z(8), uid="1.9.2")
    message = r"s: 2 DICOM series \(1 file\(s\) of 1\.9\.1 'series 1\.9\.1'; 8 file\(s\) of 1\.9\.2"
    with pytest.raises(InputError, match=message):
        read(folder)


def _lost(folder):
    keep = [0, 1, 2, 3, 6, 7]
    write_slices(folder, volume()[keep], [along_z(8)[k] for k in keep])


def _first_lost(folder):
    keep = [0, 2, 3, 4, 5, 6, 7]
    write_slices(folder, volume()[keep], [along_z(8)[k] for k in keep])


def _twice(folder):
    write_slices(folder, volume(), [*along_z(7), (0, 0, 4)])


def _aside(folder):
    write_slices(folder, volume(), [*along_z(4), (3, 0, 8), *along_z(8)[5:]])


def _other_size(folder):
    write_slices(folder, volume((4, 6, 5)), along_z(4))
    write_slices(folder, volume((4, 7, 5)), along_z(8)[4:], name="more")


def _turned(folder):
    write_slices(folder, volume((4, 5, 5)), along_z(4))
    turned = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    write_slices(folder, volume((4, 5, 5)), along_z(8)[4:], direction=turned, name="more")


def _no_dicom(folder):
    folder.mkdir()
    (folder / "scan.nii.gz").write_bytes(b"")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_lost, r"6 slices where 8 of 2 mm fit; 6 mm between .*slices are missing"),
        (_first_lost, r"7 slices where 8 of 2 mm fit; 4 mm between"),
        (_twice, "lie at one place: not one volume"),
        (_aside, "slices are missing, or spaced unevenly"),
        (_other_size, "not one volume"),
        (_turned, "another orientation or pixel size than"),
        (_no_dicom, r"no DICOM series in it \(it holds scan\.nii\.gz\); images lie in one folder"),
    ],
)
def test_what_is_not_one_volume_is_named(tmp_path, make, message):
    make(tmp_path / "case")
    with pytest.raises(InputError, match=rf"case: .*{message}"):
        read(tmp_path / "case")
