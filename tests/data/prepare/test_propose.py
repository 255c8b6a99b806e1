"""Voxel and network sizes are along the axes that training reorients volumes to."""

from __future__ import annotations

import numpy as np
import pytest

from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.propose import in_ras
from tests.data.prepare.made import image, save

CORONAL = np.array([[-1.0, 0, 0, 9], [0, 0, 3.0, 0], [0, -2.0, 0, 9], [0, 0, 0, 1]])


def test_values_go_to_right_anterior_superior():
    assert in_ras((1, 2, 3), np.eye(4)).tolist() == [1, 2, 3]
    assert in_ras((1, 2, 3), CORONAL).tolist() == [1, 3, 2]
    sagittal = CORONAL[[1, 0, 2, 3]][:, [1, 2, 0, 3]]  # posterior to the left of it: a cycle
    assert in_ras((10, 20, 30), sagittal).tolist() == [20, 30, 10]
    assert in_ras((1, 2), np.eye(3)).tolist() == [1, 2]


def test_a_folder_of_coronal_volumes(tmp_path):
    for k in range(3):
        save(tmp_path / "src" / f"{k}.nii.gz", image(k, (16, 24, 40)), affine=CORONAL)
    dataset = read_cohort(prepare_folder(tmp_path / "src", tmp_path / "dst"))
    assert dataset.spacing == pytest.approx((1, 3, 2))
    assert dataset.spatial_size == (16, 40, 24)
