"""One source for the name of a case."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.images import case_of, find_images
from gemini_monai.images.names import refuse_name
from tests.images.dicom import along_z, volume, write_slices


@pytest.mark.parametrize(
    ("file", "case"),
    [
        ("a.nii.gz", "a"),
        ("C3.NII.GZ", "C3"),
        ("1.2.840.3.nii", "1.2.840.3"),
        ("x.y.PNG", "x.y"),
        ("v.mha", "v"),
        ("1.2.3.DCM", "1.2.3"),
    ],
)
def test_a_case_is_its_file_without_the_suffix(file, case):
    assert case_of(Path("somewhere.else") / file) == case


def test_a_folder_keeps_every_dot(tmp_path):
    for name in ("1.2.3.1", "1.2.3.2", "scan.nii"):
        (tmp_path / name).mkdir()
        assert case_of(tmp_path / name) == name
    assert list(find_images(tmp_path)) == ["1.2.3.1", "1.2.3.2", "scan.nii"]


@pytest.mark.parametrize("name", ["{}.dcm", "IM{}", "{}.IMA"])
def test_a_series_given_by_its_folder_is_one_case(tmp_path, monkeypatch, name):
    folder = write_slices(tmp_path / "in" / "scan.1", volume(), along_z(8))
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(folder / name.format(number))
    (folder / "notes.txt").write_text("beside")
    assert find_images(folder) == {"scan.1": folder}
    assert find_images(tmp_path / "in") == {"scan.1": folder}
    monkeypatch.chdir(folder)
    assert list(find_images(".")) == ["scan.1"]


def test_slices_beside_other_images_are_no_series(tmp_path):
    folder = write_slices(tmp_path / "scan", volume((1, 6, 5)), along_z(1))
    (folder / "a.nii.gz").write_bytes(b"")
    assert list(find_images(folder)) == ["000", "a"]


def test_notes_beside_images_are_no_images(tmp_path):
    for name in ("a.nii.gz", "a.json", "a.bval", ".hidden", "b.mhd", "b.raw"):
        (tmp_path / name).write_bytes(b"")
    assert list(find_images(tmp_path)) == ["a", "b"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a.nii.gz", "a.png"], "case 'a' is there twice"),
        (["a.NII.GZ", "a.nii"], "case 'a' is there twice"),
        (["notes.txt"], r"notes\.txt: unknown image format, expected one of"),
        (["a.ima"], r"a\.ima: unknown image format; every DICOM series goes into a folder"),
        ([".x.dcm", "a.dcm", "a.nii"], "case 'a' is there twice"),
        ([".nii.gz.x"], "empty"),
        ([], "empty"),
    ],
)
def test_what_is_no_case_is_named(tmp_path, names, message):
    for name in names:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match=message):
        find_images(tmp_path)


@pytest.mark.parametrize(
    "case",
    [
        "",
        " ",
        "..",
        "a/b",
        "../../x",
        "a\\b",
        "a\0",
        "a\nb",
        "a\x1b[2J",
        "a\x85b",
        "a\u2028b",
        "a\udce9",
        7,
        None,
    ],
)
def test_a_name_that_no_file_can_have_is_refused(case):
    with pytest.raises(InputError, match="where: "):
        refuse_name(case, where="where")
    for fine in ("1.2.3 (left)", "Müller e\u0301", "a\xa0b", "日本"):
        refuse_name(fine, where="where")
