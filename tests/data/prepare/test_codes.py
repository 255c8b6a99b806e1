"""Label codes: counted, replaced, refused; the original stays."""

from __future__ import annotations

import os
from collections import Counter

import nibabel as nib
import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.prepare.codes import (
    count_codes,
    recode,
    refuse_label,
    refuse_unknown,
)
from tests.data.prepare.made import image, save

AFFINE = np.array([[0, -1.5, 0, 7], [2, 0, 0, -4], [0, 0, 3, 1], [0, 0, 0, 1.0]])


def _label(path, *, codes=(0, 420, 421, 77), dtype=np.int16, shape=(6, 5, 4)):
    values = np.resize(np.asarray(codes, dtype), shape)
    save(path, values, affine=AFFINE)
    return values


def test_voxels_of_each_code_are_counted(tmp_path):
    _label(tmp_path / "a.nii.gz")
    assert count_codes(tmp_path / "a.nii.gz") == Counter({0: 30, 420: 30, 421: 30, 77: 30})


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_codes_are_replaced_and_the_rest_is_background(tmp_path, dtype):
    values = _label(tmp_path / "a.nii.gz", dtype=dtype)
    before = (tmp_path / "a.nii.gz").read_bytes()
    target = tmp_path / "new" / "a.nii.gz"
    others = recode(
        tmp_path / "a.nii.gz", codes={420: 420, 421: 420}, target=target, others_to_background=True
    )
    assert others == Counter({77: 30})
    written = nib.load(target)
    assert written.get_data_dtype() == np.uint16
    np.testing.assert_allclose(written.affine, AFFINE)
    expected = np.where(np.isin(values, [420, 421]), 420, 0)
    np.testing.assert_array_equal(written.get_fdata(), expected)
    assert (tmp_path / "a.nii.gz").read_bytes() == before


def test_codes_may_change_places_and_small_ones_are_written_small(tmp_path):
    values = _label(tmp_path / "a.nii.gz", codes=(0, 1, 2, 3))
    others = recode(
        tmp_path / "a.nii.gz", codes={0: 3, 1: 2, 2: 1, 3: 0}, target=tmp_path / "b.nii"
    )
    assert not others
    written = nib.load(tmp_path / "b.nii")
    assert written.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(written.get_fdata(), 3 - values)


def test_every_unknown_code_is_listed_with_its_voxels(tmp_path):
    _label(tmp_path / "a.nii.gz", codes=(0, 420, 421, 9))
    message = (
        r"a\.nii\.gz: unknown label code\(s\) 9 \(30 voxels\), 421 \(30 voxels\); .* 0 and 420"
    )
    with pytest.raises(InputError, match=message):
        recode(tmp_path / "a.nii.gz", codes={420: 420}, target=tmp_path / "b.nii.gz")
    with pytest.raises(InputError, match=message):
        refuse_unknown(
            count_codes(tmp_path / "a.nii.gz"), known=[0, 420], label=tmp_path / "a.nii.gz"
        )
    assert not (tmp_path / "b.nii.gz").exists()


def test_a_second_run_counts_alike_and_writes_only_after_a_change(tmp_path):
    label, target = tmp_path / "a.nii.gz", tmp_path / "b.nii.gz"
    _label(label)
    codes = {420: 1}
    first = recode(label, codes=codes, target=target, others_to_background=True)
    written = target.stat().st_mtime_ns
    assert recode(label, codes=codes, target=target, others_to_background=True) == first
    assert target.stat().st_mtime_ns == written
    _label(label, codes=(0, 420))
    os.utime(label, (1, 1))  # as out of an archive
    assert recode(label, codes=codes, target=target, others_to_background=True) == Counter()
    assert set(np.unique(nib.load(target).get_fdata())) == {0, 1}


def test_a_file_of_another_maker_is_not_replaced(tmp_path):
    for name, write in (("b.nii.gz", _label), ("c.nii.gz", lambda path: path.write_bytes(b"mine"))):
        target = tmp_path / name
        write(target)
        before = target.read_bytes()
        _label(tmp_path / "a.nii.gz")  # newer
        with pytest.raises(InputError, match=f"{name}: is there already, and of another maker"):
            recode(
                tmp_path / "a.nii.gz",
                codes={420: 1, 421: 2},
                target=target,
                others_to_background=True,
            )
        assert target.read_bytes() == before


def test_a_label_with_broken_values_is_no_label(tmp_path):
    save(tmp_path / "a.nii.gz", np.linspace(0, 3, 24, dtype=np.float32).reshape(4, 3, 2))
    with pytest.raises(InputError, match=r"a\.nii\.gz: .*whole numbers, got 0\.13.*interpolated"):
        count_codes(tmp_path / "a.nii.gz")


def test_an_image_in_the_place_of_a_label_is_named(tmp_path):
    save(tmp_path / "a.nii.gz", np.arange(100, 340, dtype=np.int16).reshape(8, 6, 5))
    with pytest.raises(
        InputError, match=r"a\.nii\.gz: 240 distinct values from 100 to 339.*exchanged"
    ):
        count_codes(tmp_path / "a.nii.gz")


def test_a_label_in_the_place_of_an_image_is_named(tmp_path):
    _label(tmp_path / "a.nii.gz", codes=(0, 205, 420))
    with pytest.raises(
        InputError, match=r"a\.nii\.gz: every value is a label code \(0, 205, 420\)"
    ):
        refuse_label(tmp_path / "a.nii.gz", known=[205, 420, 500])
    refuse_label(tmp_path / "a.nii.gz", known=[205])
    save(tmp_path / "b.nii.gz", image(0, (4, 4, 4)))
    refuse_label(tmp_path / "b.nii.gz", known=[205])


def test_a_color_picture_is_no_label(tmp_path):
    from PIL import Image

    Image.fromarray(image(0, (4, 4, 3))).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png: 3 channels, expected a label map of one"):
        count_codes(tmp_path / "a.png")
