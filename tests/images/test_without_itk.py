"""Without ITK: formats that need it are refused with what brings it, the others are read."""

from __future__ import annotations

import sys

import nibabel as nib
import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.images import find_images, read, read_label, write_image
from gemini_monai.images.segment_files import write_segments
from gemini_monai.images.write import refuse_suffix
from tests.images.dicom import along_z, volume, write_slices
from tests.images.written import RGB, write_meta, write_nrrd, write_png

BRINGS = r"needs what the extra 'formats' brings: pip install \"itk-io>=5\.3\"$"
DICOM = r"needs what the extra 'dicom' brings: pip install .*pydicom$"
VALUES = np.arange(60, dtype=np.int16).reshape(5, 4, 3)


@pytest.fixture
def without(monkeypatch):
    """Takes ITK away; a file may be written by it before."""
    return lambda: monkeypatch.setitem(sys.modules, "itk", None)


def _colors(path):
    return write_png(path, np.arange(36, dtype=np.uint16).reshape(3, 4, 3), color=RGB, depth=16)


def _series(path):
    return write_slices(path, volume(), along_z(8))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.nrrd", lambda path: write_nrrd(path, VALUES)),
        ("a.seg.nrrd", lambda path: _segments(path)),
        ("a.mha", lambda path: write_meta(path, VALUES)),
        ("a.png", _colors),
        ("series", _series),
    ],
)
def test_a_format_is_refused_with_what_brings_it(tmp_path, without, name, write):
    write(tmp_path / name)
    without()
    reading = read_label if name == "a.seg.nrrd" else read
    brings = DICOM if name == "series" else BRINGS
    with pytest.raises(InputError, match=rf"{name}(/\w+\.dcm)?: its format {brings}"):
        reading(tmp_path / name)


def test_nifti_and_pictures_are_read(tmp_path, without):
    without()
    nib.save(nib.Nifti1Image(VALUES, np.eye(4)), tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(read(tmp_path / "a.nii.gz")[0], VALUES)
    write_png(tmp_path / "a.png", VALUES[..., 0].astype(np.uint8))
    np.testing.assert_array_equal(read(tmp_path / "a.png")[0], VALUES[..., 0].T)


def _segments(path):
    label = (VALUES % 2)[None].astype(np.uint8)
    return write_segments(path, label, affine=np.eye(4), structures=["odd"], values=[1])


def test_segmentations_of_slicer_are_written(tmp_path, without):
    without()
    refuse_suffix(".seg.nrrd")
    assert _segments(tmp_path / "a.seg.nrrd").stat().st_size > 0


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_what_cannot_be_written_is_refused_before_the_work(tmp_path, without, suffix):
    without()
    with pytest.raises(InputError, match=rf"output_ext \{suffix} {BRINGS}"):
        refuse_suffix(suffix)
    with pytest.raises(InputError, match=BRINGS):
        write_image(tmp_path / f"a{suffix}", VALUES[None], affine=np.eye(4))
    assert list(tmp_path.iterdir()) == []


def test_slices_without_an_ending_are_told_from_other_files(tmp_path, without):
    folder = _series(tmp_path / "series")
    for path in folder.iterdir():
        path.rename(path.with_suffix(""))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes").write_text("no image")
    without()
    with pytest.raises(InputError, match=rf"series/\d+: its format {BRINGS}"):
        find_images(folder)
    with pytest.raises(InputError, match="notes: unknown image format"):
        find_images(tmp_path / "other")
