"""Which voxels reach the page: the box, what is left out of large volumes, how slices count."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from gemini_monai.report.read import volume_grids
from gemini_monai.report.read.planes import Orientation
from gemini_monai.report.read.volume_grids import affine_of_part, count_slices, kept_slices


def box(shape: tuple[int, ...], *extents: tuple[int, int]) -> np.ndarray:
    seen = np.zeros(shape, bool)
    seen[tuple(slice(*extent) for extent in extents)] = True
    return seen


def test_the_box_has_a_margin_and_stays_inside() -> None:
    seen = box((20, 20, 20), (5, 9), (0, 3), (19, 20))
    kept = kept_slices(seen, spacing=(1, 1, 1))
    assert kept == (slice(3, 11, 1), slice(0, 5, 1), slice(17, 20, 1))


def test_a_volume_in_which_nothing_is_seen_is_kept_whole() -> None:
    kept = kept_slices(np.zeros((4, 5, 6), bool), spacing=(1, 1, 1))
    assert kept == (slice(0, 4, 1), slice(0, 5, 1), slice(0, 6, 1))


def test_slices_go_where_they_lie_closest_until_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume_grids, "LIMIT", 500)
    seen = np.ones((20, 20, 10), bool)
    steps = [part.step for part in kept_slices(seen, spacing=(0.7, 0.7, 2.5))]
    assert steps == [3, 3, 1]  # 7 * 7 * 10 = 490; 7 * 10 * 10 are too many
    assert seen[kept_slices(seen, spacing=(0.7, 0.7, 2.5))].size <= 500


def test_the_affine_of_a_part_keeps_each_voxel_where_it_was() -> None:
    affine = np.array([[0, -2.0, 0, 7], [1, 0, 0, -3], [0, 0, 3, 1], [0, 0, 0, 1]])
    slices = (slice(3, 11, 2), slice(1, 5, 1), slice(2, 9, 3))
    part = affine_of_part(affine, slices)
    for index in itertools.product(range(4), range(4), range(3)):
        whole = [s.start + s.step * k for s, k in zip(slices, index, strict=True)]
        np.testing.assert_allclose(part @ [*index, 1], affine @ [*whole, 1])


def test_slices_count_as_in_the_file() -> None:
    lies = Orientation((1, 1, 1), world=(1, 0, 2), reverse=(True, False, True))
    slices = (slice(2, 10, 1), slice(0, 9, 3), slice(4, 8, 1))
    planes = count_slices(slices, shape=(12, 9, 8), orientation=lies, center=(5, 5, 7))
    assert [plane.name for plane in planes] == ["sagittal", "coronal", "axial"]
    sagittal, coronal, axial = planes
    assert (sagittal.count, sagittal.first, sagittal.step, sagittal.total) == (3, 0, 3, 9)
    assert (sagittal.start, sagittal.backward) == (2, True)  # 0, 3, 6: 6 is nearest to 5
    assert (coronal.count, coronal.first, coronal.start, coronal.total) == (8, 2, 3, 12)
    assert (axial.start, axial.backward) == (3, False)
