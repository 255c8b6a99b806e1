"""Overlap of labels on a grid, of the voxels that both are drawn in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gemini_monai.data import Cohort
from gemini_monai.data.prepare.label_overlap import mean_overlap
from tests.data.prepare.made import save

SHAPE = (8, 6, 4)


def _cohort(folder, labels, **changes):
    entries = []
    for case, label in labels.items():
        save(folder / f"{case}.nii.gz", label.astype(np.int16))
        entries.append({"case": case, "image": "", "label": str(folder / f"{case}.nii.gz")})
    known = {"spacing": (1.0,) * 3, "spatial_size": SHAPE, "intensity": {}, "seed": 0, "hash": ""}
    known |= {"labels": {"background": 0, "a": 1, "b": 2}, "overlapping": False}
    path = folder / "dataset.json"
    return Cohort(path, "x", 3, 1, labeled=entries, **(known | changes))


def test_ignored_voxels_of_either_label_are_left_out(tmp_path):
    first, second = np.random.default_rng(0).integers(0, 3, (2, *SHAPE))
    first[5:], second[:, 4:] = 7, 7
    cohort = _cohort(tmp_path, {"r": first, "o": second}, ignore=7)
    grids = dict.fromkeys("ro", np.eye(4))
    found = mean_overlap(cohort, "r", before=grids, after=grids)
    drawn = (first != 7) & (second != 7)
    expected = []
    for value in (1, 2):
        one, other = ((own == value) & drawn for own in (first, second))
        expected.append(2 * (one & other).sum() / (one.sum() + other.sum()))
    assert found["before"] == found["after"] == pytest.approx(np.mean(expected))
    plain = replace(cohort, ignore=None)
    assert mean_overlap(plain, "r", before=grids, after=grids)["after"] < found["after"]
