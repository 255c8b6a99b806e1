"""``prepare kipa22``: the public training tree and the open test images."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_kipa22
from gemini_monai.data.prepare.split import Wanted
from tests.data.prepare.made import save
from tests.data.prepare.sources.trees import kipa22 as trees

SPLITS = ("labeled", "unlabeled", "validation", "test")
WANTED = Wanted(labeled=2, validation=1, test=1)


def _counts(path):
    dataset = read_cohort(path)
    return [len(getattr(dataset, split)) for split in SPLITS]


def test_the_public_seventy_are_divided_and_the_reason_is_said(tmp_path, capsys):
    path = prepare_kipa22(trees.official(tmp_path / "src"), tmp_path / "dst")
    dataset = read_cohort(path)
    assert _counts(path) == [40, 0, 10, 20]
    assert dataset.structures == ("renal vein", "kidney", "renal artery", "tumor")
    assert dataset.label_values == (0, 1, 2, 3, 4)
    assert dataset.intensity == {"kind": "range", "lower": 900.0, "upper": 1400.0}
    assert dataset.spacing == (0.63, 0.63, 0.63)
    printed = capsys.readouterr().out
    assert "the public labels are of 70 cases" in printed
    assert "missing of 70" not in printed


@pytest.mark.parametrize("folder", ["open", "opentest", "test"])
def test_open_test_images_are_unlabeled_and_labels_beside_them_unread(tmp_path, folder):
    source = trees.official(tmp_path / "src", cases=6, opened=3, open_folder=folder)
    (source / folder / "label").mkdir()
    (source / folder / "label" / "70.nii.gz").write_bytes(b"no label")
    path = prepare_kipa22(source, tmp_path / "dst", wanted=WANTED)
    assert _counts(path) == [2, 5, 1, 1]
    unlabeled = {entry["case"] for entry in read_cohort(path).unlabeled}
    assert {"70", "71", "72"} < unlabeled


def test_labels_of_unlabeled_cases_are_never_opened(tmp_path):
    source = trees.official(tmp_path / "src", cases=6)
    first = read_cohort(prepare_kipa22(source, tmp_path / "dst", wanted=WANTED))
    for entry in first.unlabeled:
        (source / "train/label" / f"{entry['case']}.nii.gz").write_bytes(b"no label")
    again = read_cohort(prepare_kipa22(source, tmp_path / "again", wanted=WANTED))
    assert [e["case"] for e in again.labeled] == [e["case"] for e in first.labeled]
    assert again.hash == first.hash


def test_another_draw_keeps_validation_and_test(tmp_path, capsys):
    source = trees.official(tmp_path / "src", cases=12)
    found = [
        read_cohort(
            prepare_kipa22(source, tmp_path / str(draw), wanted=WANTED._replace(labeled_draw=draw))
        )
        for draw in range(3)
    ]
    for split, choices in (("labeled", 3), ("validation", 1), ("test", 1)):
        assert len({str([e["case"] for e in getattr(d, split)]) for d in found}) == choices
    assert "12, 13, 14, 15, 16 and 53 more missing of 70" in capsys.readouterr().out


def _every_label(source, change):
    for path in source.glob("train/label/*.nii.gz"):
        values = np.asarray(nib.load(path).dataobj)
        save(path, change(values), affine=trees.AFFINE)


def _unknown_code(values):
    values[0, 0, :3] = 7
    values[0, 1, 0] = 9
    return values


def _swap(source):
    (source / "train/image").rename(source / "x")
    (source / "train/label").rename(source / "train/image")
    (source / "x").rename(source / "train/label")


def _hounsfield(source):
    for path in source.glob("train/image/*.nii.gz"):
        values = np.asarray(nib.load(path).dataobj).astype(np.int16) - 1024
        save(path, values, affine=trees.AFFINE)


def _half_downloaded(source):
    path = source / "train/image/3.nii.gz"
    path.write_bytes(path.read_bytes()[:200])


def _test_image_among_the_unlabeled(source):
    for number in range(6):
        content = (source / f"train/image/{number}.nii.gz").read_bytes()
        (source / "open/image").mkdir(parents=True, exist_ok=True)
        (source / f"open/image/{70 + number}.nii.gz").write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda s: (s / "train/label").rename(s / "labels"), r"train/label: no such folder"),
        (lambda s: (s / "train").rename(s / "data"), r"train/image: no such folder"),
        (
            lambda s: (s / "train/label/4.nii.gz").unlink(),
            r"image/4\.nii\.gz: no label of '4' in .*train/label",
        ),
        (
            lambda s: (s / "train/image/4.nii.gz").unlink(),
            r"label/4\.nii\.gz: no image of '4' in .*train/image",
        ),
        (_half_downloaded, r"3\.nii\.gz: cannot be read as an image"),
        (
            lambda s: _every_label(s, _unknown_code),
            r"\d\.nii\.gz: unknown label code\(s\) 7 \(3 voxels\), 9 \(1 voxels\); expected 0 and",
        ),
        (
            lambda s: _every_label(s, lambda values: values * np.float32(0.5)),
            r"\d\.nii\.gz: label values must be whole numbers",
        ),
        (_swap, r"image/0\.nii\.gz: every value is a label code.*exchanged with its label"),
        (_hounsfield, r"0\.nii\.gz: mean intensity \d+; KiPA22 stores Hounsfield units plus"),
        (_test_image_among_the_unlabeled, r"nii\.gz: same content as"),
        (
            lambda s: save(s / "open/image/2.nii.gz", trees.volume(99, (15, 12, 8))),
            r"open/image/2\.nii\.gz: '2' is there twice",
        ),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(tmp_path, spoil, message):
    source = trees.official(tmp_path / "src", cases=6)
    spoil(source)
    with pytest.raises(InputError, match=message):
        prepare_kipa22(source, tmp_path / "dst", wanted=WANTED)
    assert not (tmp_path / "dst").exists()
