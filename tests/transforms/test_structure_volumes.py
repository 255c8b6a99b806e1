"""Volumes of structures, in closed form, and the table of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data import MetaTensor

from gemini_monai.base.errors import InputError
from gemini_monai.base.tables import read_table
from gemini_monai.transforms import CaseTable, InputSpec, structure_volumes, volume_rows
from gemini_monai.transforms.structure_volumes import voxel_size


def _spec(dims=3, **given):
    known = {
        "spatial_dims": dims,
        "in_channels": 1,
        "spatial_size": (8, 8, 8)[:dims],
        "intensity": {"kind": "range", "lower": 0, "upper": 1},
        "label_values": (0, 5, 9),
        "structures": ("cube", "absent"),
    }
    return InputSpec(**(known | given))


def test_a_cube_of_known_voxels_has_its_milliliters():
    label = torch.zeros(1, 30, 30, 30)
    label[0, 5:15, 2:12, 8:28] = 1
    affine = np.diag([1.0, 0.5, 2.0, 1.0])
    rows = volume_rows(MetaTensor(label, affine=affine), case="c", spec=_spec())
    assert rows == [
        {"case": "c", "structure": "cube", "voxels": 2000, "volume_ml": 2.0},
        {"case": "c", "structure": "absent", "voxels": 0, "volume_ml": 0.0},
    ]


def test_overlapping_structures_are_counted_each():
    masks = torch.zeros(2, 10, 10, 10)
    masks[0, :5], masks[1, :, :5] = 1, 1
    spec = _spec(overlapping=True)
    rows = volume_rows(MetaTensor(masks, affine=np.eye(4)), case="c", spec=spec)
    assert [row["volume_ml"] for row in rows] == [0.5, 0.5]


@pytest.mark.parametrize("sized", [True, False])
def test_an_image_of_two_axes_has_an_area(sized):
    label = torch.ones(1, 6, 5)
    affine = np.array([[0, 0, 1, 0], [0.5, 0, 0, 7], [0, 2.0, 0, 0], [0, 0, 0, 1]])
    (row, _) = volume_rows(MetaTensor(label, affine=affine), case="c", spec=_spec(2), sized=sized)
    assert (row["voxels"], set(row)) == (30, {"case", "structure", "voxels", "area_mm2"})
    assert row["area_mm2"] == pytest.approx(30.0) if sized else math.isnan(row["area_mm2"])


@given(st.lists(st.floats(-3, 3), min_size=9, max_size=9))
def test_the_size_of_a_voxel_is_the_determinant_however_it_lies(values):
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(values, (3, 3))
    expected = abs(np.linalg.det(affine[:3, :3]))
    assert voxel_size(affine, axes=3) == pytest.approx(expected, abs=1e-6)
    a, b = affine[:3, 0], affine[:3, 1]
    across = np.linalg.norm(np.cross(a, b))
    assert voxel_size(affine, axes=2) == pytest.approx(across, abs=1e-6)


def test_rows_of_other_cases_stay_and_columns_may_come(tmp_path):
    path = tmp_path / "volumes.csv"
    table = CaseTable(path)
    for case in ("a", "=b"):
        table.add(case, [{"case": case, "structure": "s", "voxels": 1}])
    table.write()
    CaseTable(path).add("a", [{"case": "a", "structure": "s", "voxels": 2, "dice": 0.5}])
    rows = read_table(path)
    assert rows == [
        {"case": "=b", "structure": "s", "voxels": "1", "dice": ""},
        {"case": "a", "structure": "s", "voxels": "2", "dice": "0.5"},
    ]


def test_it_is_written_now_and_then_and_whole_at_the_end(tmp_path, monkeypatch):
    """A folder of a hundred thousand images is not written as often."""
    now, written = [0.0], []
    monkeypatch.setattr(structure_volumes.time, "monotonic", lambda: now[0])
    table = CaseTable(tmp_path / "volumes.csv")

    def slow(path, rows, columns):
        now[0] += 1.0
        written.append(len(rows))

    monkeypatch.setattr(structure_volumes, "write_table", slow)
    for k in range(100):
        table.add(str(k), [{"case": str(k), "structure": "s"}] * 2)
        now[0] += 1.0
    table.write()
    assert len(written) == 1 + 4 + 1
    assert (written[0], written[-1]) == (2, 200)
    CaseTable(tmp_path / "none.csv").write()
    assert written[-1] == 200


def test_another_table_of_that_name_is_refused_and_left(tmp_path):
    path = tmp_path / "volumes.csv"
    path.write_text("name,size\nx,1\n")
    with pytest.raises(InputError, match=r"volumes\.csv: column 'case' is missing"):
        CaseTable(path).add("a", [{"case": "a", "structure": "s"}])
    assert path.read_text() == "name,size\nx,1\n"
