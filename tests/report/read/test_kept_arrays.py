"""Kept pairs: overlap and Jacobian against closed forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gemini_monai.report.read.kept_arrays import open_pair, overlap
from tests.report.small_pair import run_of, write


def test_stretch_has_its_determinant(tmp_path: Path) -> None:
    ddf = np.zeros((2, 8, 8), np.float32)
    ddf[0], ddf[1] = 0.5 * np.arange(8)[:, None], -0.5 * np.arange(8)[None]
    pair = open_pair(run_of(tmp_path), write(tmp_path, ddf))
    np.testing.assert_allclose(pair.determinant, 1.5 * 0.5, rtol=1e-6)


def test_overlap_is_mean_dice_over_structures(tmp_path: Path) -> None:
    fixed, moving = np.zeros((1, 4, 4), int), np.zeros((1, 4, 4), int)
    fixed[0, 0], fixed[0, 1] = 1, 2
    moving[0, 0], moving[0, 2] = 1, 2
    zero = np.zeros((2, 4, 4), np.float32)
    path = write(tmp_path, zero, fixed_label=fixed, moving_label=moving)
    pair = open_pair(run_of(tmp_path), path)
    assert overlap(pair, "moving") == pytest.approx(0.5)


def test_overlap_leaves_out_what_either_label_ignores(tmp_path: Path) -> None:
    fixed, moving = np.zeros((1, 4, 4), int), np.zeros((1, 4, 4), int)
    fixed[0, 0], fixed[0, 1], fixed[0, 2] = 1, 2, -1
    moving[0, 0], moving[0, 2], moving[0, 1, :2] = 1, 2, -1
    zero = np.zeros((2, 4, 4), np.float32)
    path = write(tmp_path, zero, fixed_label=fixed, moving_label=moving)
    pair = open_pair(run_of(tmp_path), path)
    assert set(pair.ignored) == {"fixed", "moving"}
    assert int(pair.ignored["fixed"].sum()) == 4
    assert overlap(pair, "moving") == pytest.approx(0.5)  # of b, two voxels in fixed count alone
    moving[0, 1, :2] = 2
    path = write(tmp_path, zero, fixed_label=fixed, moving_label=moving)
    assert overlap(open_pair(run_of(tmp_path), path), "moving") == pytest.approx((1 + 2 / 3) / 2)


def test_kept_labels_count_structures_whatever_values_files_have(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    (tmp_path / "dataset.json").write_text('{"labels": {"background": 0, "a": 2, "b": 4}}')
    run.details["dataset"]["path"] = str(tmp_path / "dataset.json")
    label = np.zeros((1, 4, 4), int)
    label[0, 1] = 2
    zero = np.zeros((2, 4, 4), np.float32)
    pair = open_pair(run, write(tmp_path, zero, fixed_label=label, moving_label=label))
    assert {name: int(mask.sum()) for name, mask in pair.masks["fixed"].items()} == {"a": 0, "b": 4}
