"""Images with voxel sizes and images without are never one data set."""

from __future__ import annotations

import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.transforms import preprocessing
from tests.data.prepare.made import folder, image, save
from tests.images.written import write_nrrd

NOWHERE = {"space": None, "space_directions": None, "space_origin": None}


@pytest.mark.parametrize("stored", [".nii.gz", ".png"])
@pytest.mark.parametrize("other", [".png", ".nii.gz"])
def test_one_that_differs_is_named(tmp_path, stored, other):
    source = folder(tmp_path, images=5, suffix=stored)
    save(source / "images" / f"other{other}", image(9))
    if stored == other:
        prepare_folder(source, tmp_path / "dst")
        return
    with pytest.raises(InputError, match=r"\.png: says no voxel size, such as a PNG, but .*\.nii"):
        prepare_folder(source, tmp_path / "dst")
    assert not (tmp_path / "dst").exists()


def test_a_header_that_says_none_counts_as_none(tmp_path):
    for k in range(3):
        values = np.random.default_rng(k).random((8, 7, 6)).astype(np.float32)
        write_nrrd(tmp_path / "src" / f"c{k}.nrrd", values, **NOWHERE)
    assert read_cohort(prepare_folder(tmp_path / "src", tmp_path / "dst")).spacing is None
    write_nrrd(tmp_path / "src" / "placed.nrrd", 2 * values)
    with pytest.raises(InputError, match=r"c0\.nrrd: says no voxel size.*\(3 and 1 of the images"):
        prepare_folder(tmp_path / "src", tmp_path / "other")


def test_pictures_are_brought_to_no_voxel_size(tmp_path):
    source = folder(tmp_path, suffix=".png")
    with pytest.raises(InputError, match=r"\.png: says no voxel size, so it cannot be brought to"):
        prepare_folder(source, tmp_path / "dst", wanted=Wanted(spacing=[1.0, 1.0]))
    assert not (tmp_path / "dst").exists()


def test_a_picture_is_refused_by_what_was_trained_in_millimeters(tmp_path):
    cohort = read_cohort(prepare_folder(folder(tmp_path), tmp_path / "dst"))
    save(tmp_path / "new.png", image(9))
    before = preprocessing(cohort.input_spec(), keys=["image"])
    with pytest.raises(RuntimeError) as raised:  # MONAI's, with ours as its cause
        before({"image": str(tmp_path / "new.png")})
    assert isinstance(raised.value.__cause__, InputError)
    assert "new.png: says no voxel size, such as a PNG" in str(raised.value.__cause__)
