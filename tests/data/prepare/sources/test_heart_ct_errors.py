"""``prepare heart_ct``: every way the downloads can be wrong, each with its own message."""

from __future__ import annotations

import shutil

import nibabel as nib
import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.prepare import prepare_heart_ct
from gemini_monai.data.prepare.split import Wanted
from tests.data.prepare.made import save
from tests.data.prepare.sources.trees import heart_ct as tree

ALL = Wanted(labeled=7, validation=0, test=0)  # so that every label is opened


def _whs(source, name):
    return source / "MM-WHS 2017 Dataset" / "ct_train" / f"ct_train_{name}.nii.gz"


def _label(source):
    return nib.load(_whs(source, "1002_label")).get_fdata().astype(np.int16)


def _no_label(source):
    _whs(source, "1002_label").unlink()


def _no_image(source):
    _whs(source, "1002_image").unlink()


def _truncated(source):
    file = _whs(source, "1002_image")
    file.write_bytes(file.read_bytes()[:2000])


def _no_raw(source):
    (source / "CAT08" / "dataset01" / "image01.raw").unlink()


def _half_raw(source):
    raw = source / "CAT08" / "dataset01" / "image01.raw"
    raw.write_bytes(raw.read_bytes()[:1000])


def _unknown_codes(source):
    label = _label(source)
    label[0, 0, :3] = 7
    label[0, 1, :2] = 300
    save(_whs(source, "1002_label"), label, affine=tree.AFFINE)


def _interpolated(source):
    label = _label(source).astype(np.float32)
    label[1:] = (label[1:] + label[:-1]) / 2
    save(_whs(source, "1002_label"), label, affine=tree.AFFINE)


def _exchanged(source):
    image, label = _whs(source, "1002_image"), _whs(source, "1002_label")
    first, second = image.read_bytes(), label.read_bytes()
    image.write_bytes(second)
    label.write_bytes(first)


def _image_for_label(source):
    _whs(source, "1002_label").write_bytes(_whs(source, "1003_image").read_bytes())


def _test_image_among_the_unlabeled(source):
    copy = source / "MM-WHS 2017 Dataset" / "ct_test" / "ct_test_2009_image.nii.gz"
    copy.write_bytes(_whs(source, "1002_image").read_bytes())


def _copy_in_another_format(source):
    image, _ = tree.heart(401)  # what dataset01 is in Hounsfield units
    tree.write_itk(source / "ASOCA" / "Normal" / "CTCA" / "Normal_9.nrrd", image)


def _twice(source):
    tree.whs(source / "copy", labeled=1, unlabeled=0)


def _both_trees(source):
    tree.released(source)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_no_label, r"1002_image\.nii\.gz: its label ct_train_1002_label\.nii\.gz is not beside"),
        (_no_image, r"1002_label\.nii\.gz: a label without an image 'whs_1002'"),
        (_truncated, r"1002_image\.nii\.gz: cannot be read as an image: Compressed file ended"),
        (_no_raw, r"image01\.mhd: its data file 'image01\.raw' is not beside it"),
        (_half_raw, r"image01\.raw: 1000 bytes, image01\.mhd says 3360; half downloaded"),
        (
            _unknown_codes,
            r"1002_label\.nii\.gz: unknown label code\(s\) 7 \(3 voxels\), 300 \(2 voxels\); "
            "expected 0 and 205, 420, 421, 500",
        ),
        (_interpolated, r"1002_label\.nii\.gz: label values must be whole numbers, got 102\.5"),
        (_exchanged, r"1002_image\.nii\.gz: every value is a label code \(0, 205.*exchanged"),
        (_image_for_label, r"1002_label\.nii\.gz: \d{3} distinct values from -1000 to .*exchanged"),
        (_test_image_among_the_unlabeled, r"2009_image\.nii\.gz: same content as .*1002_image"),
        (_copy_in_another_format, r"cat08_01\.nii\.gz: same content as .*Normal_9\.nrrd"),
        (_twice, r"case 'whs_1001' is there twice, also as .*MM-WHS 2017 Dataset/ct_train"),
        (_both_trees, "holds the authors' released images and the originals; one only"),
    ],
)
def test_bad_input_is_named_and_no_data_set_is_written(tmp_path, spoil, message):
    source = tree.all_three(tmp_path / "src")
    spoil(source)
    with pytest.raises(InputError, match=message):
        prepare_heart_ct(source, tmp_path / "dst", wanted=ALL)
    assert not (tmp_path / "dst" / "dataset.json").exists()


def test_a_folder_without_any_of_them_is_named(tmp_path):
    with pytest.raises(InputError, match=r"src: no such folder"):
        prepare_heart_ct(tmp_path / "src", tmp_path / "dst")
    (tmp_path / "src").mkdir()
    with pytest.raises(InputError, match=r"src: no cardiac CT; expected any of ct_train/ct_train_"):
        prepare_heart_ct(tmp_path / "src", tmp_path / "dst")


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("train/labeled/label", r"train/labeled/label: no such folder"),
        ("train/unlabeled", r"train/unlabeled/image: no such folder"),
        ("test", r"test/labeled/image: no such folder"),
        ("train/labeled/label/06.nii", r"06\.nii: no label of that name in .*train/labeled/label"),
        ("test/labeled/image/01.nii", r"01\.nii: a label without an image 'test_01'"),
    ],
)
def test_a_part_of_the_authors_tree_is_named(tmp_path, missing, message):
    path = tree.released(tmp_path / "src") / "T1_CardiacCT" / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(InputError, match=message):
        prepare_heart_ct(tmp_path / "src", tmp_path / "dst")
