"""An image that is there twice, in every way that files are: linked, copied, packed again."""

from __future__ import annotations

import gzip
import json
import os
import shutil

import nibabel as nib
import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data import read_cohort
from gemini_monai.data.prepare import prepare_chestxray8, prepare_folder
from gemini_monai.data.prepare.split import Wanted
from tests.data.prepare.made import folder, image, label, save
from tests.images.dicom import along_z, volume, write_slices

WANTED = Wanted(labeled=2, validation=1, test=1)


def _symbolic(source, target):
    target.symlink_to(source)


def _hard(source, target):
    os.link(source, target)


def _copy(source, target):
    shutil.copy(source, target)


def _packed_again(source, target):
    data = gzip.decompress(source.read_bytes())
    with gzip.GzipFile(target, "wb", compresslevel=1, mtime=7) as file:
        file.write(data)
    assert target.read_bytes() != source.read_bytes()


def _unpacked(source, target):
    target.with_suffix("").write_bytes(gzip.decompress(source.read_bytes()))


def _other_type(source, target):
    nib.save(
        nib.Nifti1Image(np.asarray(nib.load(source).dataobj).astype(np.float32), np.eye(4)), target
    )


def _other_format(source, target):
    values = np.asarray(nib.load(source).dataobj)
    save(target.with_name(target.name.replace(".nii.gz", ".mha")), values)


SAME_BYTES = [_symbolic, _hard, _copy, _packed_again, _unpacked]


@pytest.mark.parametrize("twice", [*SAME_BYTES, _other_type, _other_format])
def test_prepare_finds_an_image_that_is_there_twice(tmp_path, twice):
    source = folder(tmp_path, images=8, labels=6)
    twice(source / "images/case1.nii.gz", source / "images/case9.nii.gz")
    with pytest.raises(InputError, match=r"case9.*: same content as .*case1\.nii\.gz; remove one"):
        prepare_folder(source, tmp_path / "dst", wanted=WANTED)
    assert not (tmp_path / "dst").exists()


def _by_hand(tmp_path, twice, *, split="test", records=False):
    """``dataset.json`` with another entry of the first unlabeled image."""
    source = folder(tmp_path, images=8, labels=6)
    path = prepare_folder(source, tmp_path / "dst", wanted=WANTED)
    written = json.loads(path.read_text())
    if not records:
        del written["files"]
    (tmp_path / "more").mkdir()
    first = (path.parent / written["unlabeled"][0]["image"]).resolve()
    twice(first, tmp_path / "more/again.nii.gz")
    found = next((tmp_path / "more").iterdir())
    entry = {"case": "again", "image": f"../more/{found.name}"}
    if split != "unlabeled":
        entry["label"] = written["test"][0]["label"]
    written[split].append(entry)
    path.write_text(json.dumps(written))
    return path


@pytest.mark.parametrize("split", ["labeled", "unlabeled", "validation", "test"])
@pytest.mark.parametrize("twice", SAME_BYTES)
def test_a_file_by_hand_has_no_image_twice(tmp_path, twice, split):
    path = _by_hand(tmp_path, twice, split=split)
    with pytest.raises(InputError, match=r"the images of .*'again' of .* the same; remove one"):
        read_cohort(path)


@pytest.mark.parametrize("twice", SAME_BYTES)
def test_nor_has_one_that_was_prepared_and_changed(tmp_path, twice):
    path = _by_hand(tmp_path, twice, records=True)
    with pytest.raises(InputError, match=r"the images of .*'again' of 'test' .* hold the same"):
        read_cohort(path)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".png"])
def test_images_of_one_size_are_different_images(tmp_path, suffix):
    """Also where they differ in one voxel at the edge alone."""
    values = image(0, (64, 80))
    for k in range(4):
        values = values.copy()
        values[0, k] += 1
        save(tmp_path / f"src/c{k}{suffix}", values)
    path = prepare_folder(tmp_path / "src", tmp_path / "dst")
    written = json.loads(path.read_text())
    del written["files"]
    path.write_text(json.dumps(written))
    assert len(read_cohort(path).unlabeled) == 4
    shutil.copy(tmp_path / f"src/c2{suffix}", tmp_path / f"src/d{suffix}")
    written["unlabeled"].append({"case": "d", "image": f"../src/d{suffix}"})
    path.write_text(json.dumps(written))
    with pytest.raises(InputError, match="'c2' of 'unlabeled' .* and 'd' of 'unlabeled' .* same"):
        read_cohort(path)


def test_a_series_may_be_there_twice_by_other_names(tmp_path):
    for k in range(3):
        write_slices(tmp_path / f"src/images/c{k}", volume() + k, along_z(8))
    path = prepare_folder(tmp_path / "src", tmp_path / "dst")
    written = json.loads(path.read_text())
    for k, file in enumerate(sorted((tmp_path / "src/images/c1").iterdir())):
        (tmp_path / "again").mkdir(exist_ok=True)
        shutil.copy(file, tmp_path / f"again/{k}.dcm")
    written["unlabeled"].append({"case": "again", "image": "../again"})
    for files in (written["files"], {}):
        path.write_text(json.dumps(written | {"files": files}))
        with pytest.raises(InputError, match="'c1' of 'unlabeled' .* and 'again' of .* the same"):
            read_cohort(path)


def test_a_damaged_file_is_left_to_the_reader(tmp_path):
    source = folder(tmp_path)
    path = prepare_folder(source, tmp_path / "dst", wanted=Wanted(2, 0, 0))
    written = json.loads(path.read_text())
    del written["files"]
    for name in ("case2", "case3"):
        (source / f"images/{name}.nii.gz").write_bytes(b"not packed at all")
    path.write_text(json.dumps(written))
    assert len(read_cohort(path).unlabeled) == 2


def test_two_labels_may_be_the_same(tmp_path):
    source = folder(tmp_path)
    save(source / "labels/case0.nii.gz", label())
    save(source / "labels/case1.nii.gz", label())
    read_cohort(prepare_folder(source, tmp_path / "dst", wanted=Wanted(2, 0, 0)))


def test_of_images_that_are_not_opened_copies_are_left_out(tmp_path, capsys):
    """Chest X-rays in the authors' folders; a download is not to be mended by hand."""
    for k, group in enumerate(("AP_F", "AP_F", "PA_M", "PA_M")):
        save(tmp_path / f"src/{group}/0000000{k}_000.png", image(k))
    for name in ("00000008", "00000009"):
        shutil.copy(tmp_path / "src/AP_F/00000000_000.png", tmp_path / f"src/PA_M/{name}_000.png")
    path = prepare_chestxray8(tmp_path / "src", tmp_path / "dst")
    cases = read_cohort(path).column("unlabeled", "case")
    assert cases == [f"0000000{k}_000" for k in range(4)]
    said = capsys.readouterr().out
    assert "left out 00000008_000, which is the same as 00000000_000, and 1 more such" in said
