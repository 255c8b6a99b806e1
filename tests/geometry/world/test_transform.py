"""Grids and transform files."""

from __future__ import annotations

import itk
import numpy as np
import pytest

from gemini_monai.geometry.world import output_grid, read_transform, write_transform
from tests.volumes import moved

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def test_a_transform_file_is_what_itk_reads(tmp_path):
    transform = moved()
    path = tmp_path / "transforms" / "a.tfm"
    write_transform(path, transform, note="made for a test")
    np.testing.assert_array_equal(read_transform(path), transform)
    theirs = itk.transformread(str(path))[0]
    point = np.array([3.0, -5.0, 7.0, 1.0])
    expected = LPS @ transform @ LPS @ point
    np.testing.assert_allclose(list(theirs.TransformPoint(point[:3].tolist())), expected[:3])
    assert "# made for a test" in path.read_text()
    assert list(path.parent.iterdir()) == [path]


def test_a_grid_shares_the_images_center_and_runs_along_its_axes_in_ras_order():
    affine = np.array([[0, -2.0, 0, 30], [1.5, 0, 0, -10], [0, 0, 1.0, 5], [0, 0, 0, 1]])
    grid = output_grid(affine, (20, 10, 8), spacing=(1, 2, 3), spatial_size=(12, 14, 16))
    np.testing.assert_allclose(grid[:3, :3], np.diag([1, 2, 3]))
    center = affine @ [9.5, 4.5, 3.5, 1]
    np.testing.assert_allclose(grid @ [5.5, 6.5, 7.5, 1], center)


@pytest.mark.parametrize("degrees", [20, -30])
def test_oblique_images_have_oblique_grids(degrees):
    turn = moved(degrees=degrees, scale=(1, 1, 1))
    turn[0, 1] -= 0.05
    grid = output_grid(turn, (10, 10, 10), spacing=(1, 1, 1), spatial_size=(10, 10, 10))
    np.testing.assert_allclose(grid, turn, atol=1e-12)
