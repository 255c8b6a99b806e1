"""An enhanced DICOM file is a volume whose frames lie where each says, or is refused by name."""

from __future__ import annotations

import sys

import itk
import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.images import find_images, read, read_label
from tests.images.dicom import along_z, volume, write_slices
from tests.images.enhanced import CAPTURE, CT, MR, STORAGE, turned, write_enhanced

SHUFFLED = [2, 0, 5, 3, 1, 4]
START = np.array([10.0, -20.0, 30.0])


def _oblique(path, order=SHUFFLED, **options):
    """A file of frames in any order along oblique axes, its values (Z, Y, X) and axes."""
    axes, values = turned(), volume((6, 4, 5))
    places = [START + 3.5 * k * axes[:, 2] for k in range(6)]
    write_enhanced(
        path,
        values[order],
        [places[k] for k in order],
        direction=axes,
        spacing=(0.7, 0.9),
        **options,
    )
    return values, axes


@pytest.mark.parametrize("order", [SHUFFLED, range(6), [5, 4, 3, 2, 1, 0]])
@pytest.mark.parametrize(("in_folder", "shared"), [(False, True), (True, False)])
def test_frames_lie_where_each_says(tmp_path, order, in_folder, shared):
    path = tmp_path / "case" / "scan.dcm"
    values, axes = _oblique(path, list(order), shared=shared)
    image = read(path.parent if in_folder else path)
    np.testing.assert_array_equal(image[0].numpy(), values.transpose(2, 1, 0))
    for voxel in [(0, 0, 0), (4, 0, 0), (0, 3, 0), (4, 3, 5)]:
        lps = START + axes @ (np.array([0.7, 0.9, 3.5]) * voxel)
        found = np.asarray(image.affine) @ [*voxel, 1]
        np.testing.assert_allclose(found[:3], lps * [-1, -1, 1], atol=1e-6)
    assert image.meta["filename_or_obj"] == str(path.parent if in_folder else path)


def test_itk_alone_would_lose_the_geometry(tmp_path):
    """Why pydicom and highdicom read these files: when this fails, ITK may."""
    _oblique(tmp_path / "a.dcm", rescale=[(k, 0) for k in range(1, 7)])
    image = itk.imread(str(tmp_path / "a.dcm"))
    assert list(image.GetSpacing()) == [1, 1, 1]
    assert itk.array_from_image(image)[0, 0, 0] == 40  # neither in order nor rescaled


@pytest.mark.parametrize("sop_class", [CT, MR])
def test_values_are_rescaled(tmp_path, sop_class):
    values, _ = _oblique(tmp_path / "all.dcm", rescale=(2.0, -1000.0), sop_class=sop_class)
    found = read(tmp_path / "all.dcm")[0].numpy()
    np.testing.assert_array_equal(found, 2 * values.transpose(2, 1, 0) - 1000)
    each = [(k + 1, 10.0 * k) for k in range(6)]
    _oblique(tmp_path / "each.dcm", rescale=each, sop_class=sop_class)
    found = read(tmp_path / "each.dcm")[0].numpy().transpose(2, 1, 0)
    for place, frame in enumerate(np.argsort(SHUFFLED)):
        slope, intercept = each[frame]
        np.testing.assert_array_equal(found[place], slope * values[place] + intercept)


def test_one_frame_is_an_image_of_two_axes(tmp_path):
    path = write_enhanced(tmp_path / "a.dcm", volume((1, 6, 5)), along_z(1), rescale=[(2, 1)])
    image = read(path)
    np.testing.assert_array_equal(image[0].numpy(), 2 * volume((1, 6, 5))[0].T + 1)


def test_a_volume_may_be_cut_into_files_of_several_frames(tmp_path):
    values, places = volume((6, 4, 5)), along_z(6)
    for name, part in (("a", [0, 3, 4]), ("b", [5, 1, 2])):
        path = tmp_path / "case" / f"{name}.dcm"
        write_enhanced(path, values[part], [places[k] for k in part])
        _same_series(path)
    np.testing.assert_array_equal(read(tmp_path / "case")[0].numpy(), values.transpose(2, 1, 0))


def _same_series(path):
    import pydicom

    dataset = pydicom.dcmread(path)
    dataset.SeriesInstanceUID = "1.2.3"
    dataset.save_as(path)


def test_a_file_is_a_case_and_a_label(tmp_path):
    write_enhanced(tmp_path / "in" / "1.2.dcm", volume((6, 4, 5)), along_z(6))
    assert find_images(tmp_path / "in") == {"1.2": tmp_path / "in" / "1.2.dcm"}
    assert int(read_label(tmp_path / "in" / "1.2.dcm").max()) == 119


def _no_geometry(path):
    write_enhanced(path, volume((6, 4, 5)), along_z(6), sop_class=CAPTURE, located=False)


def _no_frames(path):
    write_enhanced(path, volume((6, 4, 5)), along_z(6), located=False)


def _no_position(path):
    import pydicom

    write_enhanced(path, volume((6, 4, 5)), along_z(6))
    dataset = pydicom.dcmread(path)
    del dataset.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence
    dataset.save_as(path)


def _two_volumes(path):
    write_enhanced(path, volume((6, 4, 5)), [*along_z(3), *along_z(3)])


def _gap(path):
    places = along_z(7)
    write_enhanced(path, volume((6, 4, 5)), places[:3] + places[4:])


def _one_slice(path):
    folder = write_slices(path.parent / "series", volume((1, 4, 5)), along_z(1))
    next(folder.iterdir()).rename(path)
    folder.rmdir()


def _cut(path):
    write_enhanced(path, volume((6, 4, 5)), along_z(6))
    path.write_bytes(path.read_bytes()[:-60])


def _unknown_syntax(path):
    import pydicom

    write_enhanced(path, volume((6, 4, 5)), along_z(6))
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEGLosslessSV1
    dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8\xff\xd9"] * 6)
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            _no_geometry,
            r"Multi-frame .*Secondary Capture.* of 6 frame\(s\) without a position each",
        ),
        (_no_frames, r"Enhanced CT Image Storage of 6 frame\(s\) without a position each"),
        (_no_position, "frame 3 has no ImagePositionPatient, so it lies nowhere"),
        (_two_volumes, "scan.dcm frame 1 and scan.dcm frame 4 lie at one place: not one volume"),
        (_gap, "6 slices where 7 of 2 mm fit; 4 mm between scan.dcm frame 3 and scan.dcm frame 4"),
        (_one_slice, "one slice; every DICOM series goes into a folder of its own"),
        (_cut, "cannot be read as a DICOM image"),
        (_unknown_syntax, "frames cannot be decoded: .*JPEG Lossless"),
        (lambda path: path.write_text("no"), "cannot be read as a DICOM image"),
    ],
)
def test_what_is_no_volume_is_named(tmp_path, make, message):
    make(tmp_path / "scan.dcm")
    with pytest.raises(InputError, match=rf"scan\.dcm: .*{message}"):
        read(tmp_path / "scan.dcm")


def test_a_secondary_capture_without_pixel_size_is_named(tmp_path):
    path = tmp_path / "case" / "a.dcm"
    sop_class = STORAGE + "7"
    write_enhanced(path, volume((1, 4, 5)), along_z(1), sop_class=sop_class, located=False)
    with pytest.raises(InputError, match=r"a\.dcm: does not say how large its pixels are"):
        read(path.parent)


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    path = write_enhanced(tmp_path / "a.dcm", volume((6, 4, 5)), along_z(6))
    monkeypatch.setitem(sys.modules, "highdicom", None)
    match = r"a\.dcm: a DICOM file of several frames needs .*: pip install \"highdicom.* pydicom$"
    with pytest.raises(InputError, match=match):
        read(path)
    folder = write_slices(tmp_path / "series", volume(), along_z(8))
    assert read(folder).shape == (1, 5, 6, 8)  # a series needs none
