"""How two fields of view lie to each other, in closed form and against random points."""

from __future__ import annotations

import numpy as np
import pytest

from gemini_monai.geometry.world import FieldOfView, overlap_between, transformed


def _box(origin, spacing, shape, *, turn=None):
    """A box whose outer corner is at ``origin``."""
    axes = len(shape)
    affine = np.eye(axes + 1)
    affine[:axes, :axes] = (np.eye(axes) if turn is None else turn) @ np.diag(spacing)
    affine[:axes, -1] = np.asarray(origin) + affine[:axes, :axes].sum(axis=1) / 2
    return FieldOfView(affine, shape)


def _turn(axes, angle):
    turn = np.eye(axes)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn


@pytest.mark.parametrize("axes", [2, 3])
def test_a_part_lies_inside_and_what_is_apart_is_measured(axes):
    whole = _box([0] * axes, [1] * axes, [36, 40, 60][-axes:])
    lower = _box([0] * axes, [1] * axes, [*[36, 40][-axes + 1 :], 34])
    far = _box([*[0] * (axes - 1), 990], [1] * axes, [36, 40, 60][-axes:])
    for pair in ((whole, lower), (lower, whole)):
        found = overlap_between(*pair)
        assert (found.share, found.gap, found.is_none) == (1, 0, False)
        assert found.centers == pytest.approx(13)
    for pair in ((whole, far), (far, whole)):
        found = overlap_between(*pair)
        assert (found.share, found.is_none) == (0, True)
        assert (found.gap, found.centers) == pytest.approx((930, 990), abs=0.01)


def test_the_share_is_of_the_smaller_one_in_volume_and_not_in_voxels():
    large = _box([0, 0], [4, 4], [10, 10])
    small = _box([30, 10], [0.5, 0.5], [40, 40])  # 20 x 20 mm, half of it in the other
    for pair in ((large, small), (small, large)):
        assert overlap_between(*pair).share == pytest.approx(0.5, abs=0.02)


def test_stacked_blocks_touch_and_do_not_overlap():
    lower, upper = _box([0, 0, 0], [1, 1, 2], [5, 5, 5]), _box([0, 0, 10], [1, 1, 2], [5, 5, 5])
    found = overlap_between(lower, upper)
    assert found.is_none
    assert found.gap == pytest.approx(0, abs=0.01)
    assert not overlap_between(lower, _box([0, 0, 9.9], [1, 1, 2], [5, 5, 5])).is_none


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("axes", [2, 3])
def test_boxes_along_the_axes_in_closed_form(axes, seed):
    random = np.random.default_rng(seed)
    boxes = [
        _box(
            random.uniform(-60, 60, axes),
            random.uniform(0.3, 4, axes) * random.choice([-1, 1], axes),  # mirrored ones too
            tuple(random.integers(2, 40, axes)),
        )
        for _ in range(2)
    ]
    low, high = (np.array([f(box.corners, axis=0) for box in boxes]) for f in (np.min, np.max))
    apart = np.linalg.norm(np.maximum(0, low.max(axis=0) - high.min(axis=0)))
    shared = np.prod(np.maximum(0, high.min(axis=0) - low.max(axis=0)))
    found = overlap_between(*boxes)
    assert found.gap == pytest.approx(apart, abs=0.02)
    assert found.share == pytest.approx(shared / min(box.volume for box in boxes), abs=0.06)
    assert found.centers == pytest.approx(
        np.linalg.norm(np.diff([b.center for b in boxes], axis=0))
    )


@pytest.mark.parametrize("angle", [0.3, 1.2])
@pytest.mark.parametrize("axes", [2, 3])
def test_turned_boxes_against_random_points(axes, angle):
    random = np.random.default_rng(0)
    first = _box([0] * axes, [1, 2, 1.5][:axes], [30, 20, 20][:axes], turn=_turn(axes, angle))
    second = _box([5] * axes, [1] * axes, [40, 30, 28][:axes])
    smaller, larger = sorted((first, second), key=lambda box: box.volume)
    unit = random.uniform(-0.5, np.asarray(smaller.shape) - 0.5, (200_000, axes))
    places = transformed(np.linalg.inv(larger.affine) @ smaller.affine, unit)
    inside = ((places > -0.5) & (places < np.asarray(larger.shape) - 0.5)).all(axis=1).mean()
    assert overlap_between(first, second).share == pytest.approx(inside, abs=0.03)


def test_turned_boxes_are_as_far_apart_as_a_corner_from_a_side():
    """A square of side 10 on its corner above the x axis, and one of 40 below it."""
    above = _box([0, 7], [1, 1], [10, 10], turn=_turn(2, np.pi / 4))
    below = _box([-20, -40], [1, 1], [40, 40])
    assert overlap_between(above, below).gap == pytest.approx(7, abs=0.01)
