"""Kept pairs: overlap, grid and folds against closed forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gemini_monai.report.arms import Arm
from gemini_monai.report.deformations import deformation_rows, grid_lines
from gemini_monai.report.pairs import open_example, overlap
from gemini_monai.report.read import Run, read_run


def arm(folder: Path) -> Arm:
    details = {"dataset": {"structures": ["a", "b"], "spatial_dims": 2}}
    examples = {path.stem: path for path in folder.glob("*.npz")}
    return Arm(Run(folder=folder, details=details, examples=examples), "GEMINI", 0)


def write(folder: Path, ddf: np.ndarray, **labels: np.ndarray) -> Path:
    image = np.zeros((1, *ddf.shape[1:]), np.float32)
    path = folder / "worst.npz"
    np.savez(path, moving=image, fixed=image, warped=image, ddf=ddf, **labels)
    return path


def test_grid_of_no_displacement_is_straight(tmp_path: Path) -> None:
    example = open_example(arm(tmp_path), write(tmp_path, np.zeros((2, 36, 36), np.float32)))
    (line,) = grid_lines(example)
    assert len(line.paths) == 36
    assert all(path[:, 0].std() < 1e-6 or path[:, 1].std() < 1e-6 for path in line.paths)


def test_grid_moves_against_the_displacement(tmp_path: Path) -> None:
    ddf = np.zeros((2, 36, 36), np.float32)
    ddf[0] = 0.5  # voxel p shows what lies at p + 0.5, so the grid moves back by 0.5
    example = open_example(arm(tmp_path), write(tmp_path, ddf))
    columns = {
        round(float(p[0, 0]), 3) for p in grid_lines(example)[0].paths if p[:, 0].std() < 1e-6
    }
    assert columns == {float(level) - 0.5 for level in range(2, 36, 2)}


def test_reflection_folds_everywhere_and_is_marked_black(tmp_path: Path) -> None:
    ddf = np.zeros((2, 8, 8), np.float32)
    ddf[0] = -2.0 * np.arange(8)[:, None]  # p -> -p along the first axis
    write(tmp_path, ddf)
    (row,) = deformation_rows(arm(tmp_path))
    assert "100.00\u202f% of voxels folded" in row.note
    assert row.pictures[-1].note == "64 folded voxels here"


def test_stretch_has_its_determinant(tmp_path: Path) -> None:
    ddf = np.zeros((2, 8, 8), np.float32)
    ddf[0], ddf[1] = 0.5 * np.arange(8)[:, None], -0.5 * np.arange(8)[None]
    example = open_example(arm(tmp_path), write(tmp_path, ddf))
    np.testing.assert_allclose(example.determinant, 1.5 * 0.5, rtol=1e-6)


def test_overlap_is_mean_dice_over_structures(tmp_path: Path) -> None:
    fixed, moving = np.zeros((1, 4, 4), int), np.zeros((1, 4, 4), int)
    fixed[0, 0], fixed[0, 1] = 1, 2
    moving[0, 0], moving[0, 2] = 1, 2
    zero = np.zeros((2, 4, 4), np.float32)
    path = write(tmp_path, zero, fixed_label=fixed, moving_label=moving)
    example = open_example(arm(tmp_path), path)
    assert overlap(arm(tmp_path), example, "moving_label") == pytest.approx(0.5)


def test_pair_without_labels_is_shown_without_dice(tmp_path: Path) -> None:
    write(tmp_path, np.zeros((2, 8, 8), np.float32))
    (row,) = deformation_rows(arm(tmp_path))
    assert row.note.startswith("moved by 0.0 voxels")
    assert len(row.pictures) == 7


def test_worst_pair_comes_first(run_3d: Path) -> None:
    rows = deformation_rows(Arm(read_run(run_3d), "GEMINI", 0))
    assert [row.title for row in rows] == ["Worst pair", "Median pair", "Best pair"]
    assert all("slice" in row.note for row in rows)


def test_damaged_pair_is_said_and_not_raised(tmp_path: Path) -> None:
    (tmp_path / "worst.npz").write_bytes(b"PK")
    np.savez(tmp_path / "best.npz", moving=np.zeros((1, 4, 4)))
    notes = [row.note for row in deformation_rows(arm(tmp_path))]
    assert "worst.npz cannot be read" in notes[0]
    assert "best.npz has no array 'fixed'" in notes[1]
