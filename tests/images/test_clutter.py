"""What file managers, archives and notes leave among scans is passed over and named once."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.images import find_images
from gemini_monai.images.clutter import is_clutter
from tests.data.prepare.made import image, save

FILES = (
    *(".DS_Store", "._c0.nii.gz", ".directory", ".gitkeep", ".part-host-1-c0.nii.gz"),
    *("Thumbs.db", "ehthumbs.db", "desktop.ini", "Desktop.ini", "autorun.inf"),
    *("~$patients.xlsx", ".~lock.patients.csv#", "c0.nii.gz~", "DICOMDIR"),
    *("README", "README.txt", "readme.md", "ReadMe_first.pdf", "LICENSE", "LICENCE.txt"),
    *("CITATION.cff", "CHANGELOG.md", "md5sums.txt", "SHA256SUMS", "checksums.txt"),
    "volumes.csv",
)
FOLDERS = ("@eaDir", "__MACOSX", ".ipynb_checkpoints", "$RECYCLE.BIN", "lost+found", "#recycle")
MEANT = (
    *("readme.png", "license_plate.nii.gz", "thumbs.db.nii.gz", "changes.nrrd"),
    *("notes.txt", "c1.tif", "c1.nii.gz.part", "table.csv", "report.pdf"),
)
"""Scans, or what might be one: of these the unknown ones stay errors."""


@pytest.mark.parametrize("name", FILES)
def test_no_one_means_this_file_as_a_scan(tmp_path, capsys, name):
    save(tmp_path / "c0.nii.gz", image(0))
    (tmp_path / name).write_bytes(b"x" * 50)
    assert list(find_images(tmp_path)) == ["c0"]
    find_images(tmp_path)
    said = capsys.readouterr().out
    assert said.count(name.strip()) == said.count("passed over") == 1
    assert str(tmp_path) in said


@pytest.mark.parametrize("name", FOLDERS)
def test_no_one_means_this_folder_as_a_series(tmp_path, capsys, name):
    save(tmp_path / "c0.nii.gz", image(0))
    save(tmp_path / name / "c0.nii.gz", image(1))
    assert list(find_images(tmp_path)) == ["c0"]
    assert name in capsys.readouterr().out


@pytest.mark.parametrize("name", MEANT)
def test_a_scan_or_what_may_be_one_is_never_passed_over(tmp_path, name):
    assert not is_clutter(tmp_path / name)
    save(tmp_path / "c0.nii.gz", image(0))
    (tmp_path / name).write_bytes(b"x" * 50)
    if name.endswith((".png", ".nii.gz", ".nrrd")):
        assert len(find_images(tmp_path)) == 2
    else:
        with pytest.raises(InputError, match=f"{name}: unknown image format"):
            find_images(tmp_path)


def test_macos_names_the_icon_of_a_folder_by_a_carriage_return():
    assert is_clutter(Path("images/Icon\r"))


def test_a_folder_may_have_the_name_of_a_note(tmp_path):
    (tmp_path / "changes").mkdir()
    assert not is_clutter(tmp_path / "changes")


def test_one_name_in_many_folders_of_masks_is_told_once(tmp_path, capsys):
    for k in range(3):
        save(tmp_path / f"labels/c{k}/heart.nii.gz", image(k))
        (tmp_path / f"labels/c{k}/.DS_Store").write_bytes(b"")
        find_images(tmp_path / f"labels/c{k}")
    assert capsys.readouterr().out.count(".DS_Store") == 1
