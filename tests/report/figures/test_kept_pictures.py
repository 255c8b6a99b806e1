"""Pictures of kept pairs: grid and folds against closed forms, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gemini_monai.report.figures.kept_pictures import deformation_rows, grid_line
from gemini_monai.report.read.kept_arrays import open_pair
from gemini_monai.report.read.run_reading import read_run
from tests.report.small_pair import run_of, write


def test_grid_of_no_displacement_is_straight(tmp_path: Path) -> None:
    pair = open_pair(run_of(tmp_path), write(tmp_path, np.zeros((2, 36, 36), np.float32)))
    line = grid_line(pair)
    assert len(line.paths) == 36
    assert all(path[:, 0].std() < 1e-6 or path[:, 1].std() < 1e-6 for path in line.paths)


def test_grid_moves_against_the_displacement(tmp_path: Path) -> None:
    ddf = np.zeros((2, 36, 36), np.float32)
    ddf[0] = 0.5  # voxel p shows what lies at p + 0.5, so the grid moves back by 0.5
    pair = open_pair(run_of(tmp_path), write(tmp_path, ddf))
    columns = {round(float(p[0, 0]), 3) for p in grid_line(pair).paths if p[:, 0].std() < 1e-6}
    assert columns == {float(level) - 0.5 for level in range(2, 36, 2)}


def test_reflection_folds_everywhere_and_is_marked_black(tmp_path: Path) -> None:
    ddf = np.zeros((2, 8, 8), np.float32)
    ddf[0] = -2.0 * np.arange(8)[:, None]  # p -> -p along the first axis
    write(tmp_path, ddf)
    (row,) = deformation_rows(run_of(tmp_path))
    assert "100.00\u202f% of voxels folded" in row.note
    assert row.panels[-1].note == "64 folded voxels here"


def test_pair_without_labels_is_shown_without_dice(tmp_path: Path) -> None:
    write(tmp_path, np.zeros((2, 8, 8), np.float32))
    (row,) = deformation_rows(run_of(tmp_path))
    assert row.note.startswith("moved by 0.0 voxels")
    assert len(row.panels) == 7


def test_worst_pair_comes_first(run_3d: Path) -> None:
    rows = deformation_rows(read_run(run_3d))
    assert [row.title for row in rows] == ["Worst pair", "Median pair", "Best pair"]
    assert all("slice" in row.note for row in rows)


def test_damaged_pair_is_said_and_not_raised(tmp_path: Path) -> None:
    (tmp_path / "worst.npz").write_bytes(b"PK")
    np.savez(tmp_path / "best.npz", moving=np.zeros((1, 4, 4)))
    notes = [row.note for row in deformation_rows(run_of(tmp_path))]
    assert "worst.npz cannot be read" in notes[0]
    assert "best.npz has no array 'fixed'" in notes[1]
