"""Largest components and holes, against a walk from voxel to voxel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis.extra.numpy import arrays

from gemini_monai.geometry.components import (
    components,
    has_holes,
    largest_component,
    largest_components,
    without_holes,
)


def test_only_the_largest_component_of_each_structure_stays():
    drawn = torch.tensor([[1, 1, 0, 2, 0], [0, 0, 1, 0, 0], [2, 0, 0, 0, 1], [2, 2, 0, 1, 1]])
    kept = torch.tensor([[1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [2, 0, 0, 0, 0], [2, 2, 0, 0, 0]])
    both = torch.stack([drawn, kept])[:, None]
    assert torch.equal(largest_components(both), torch.stack([kept, kept])[:, None])


def _components(label, structure):
    """Sets of voxels that hang together, from first to last, by walking to what touches."""
    left = {tuple(place) for place in np.argwhere(label == structure)}
    found = []
    while left:
        walk = [min(left)]
        left.remove(walk[0])
        for place in walk:
            near = [p for p in left if max(abs(a - b) for a, b in zip(p, place, strict=True)) == 1]
            walk += near
            left -= set(near)
        found.append(set(walk))
    return found


@given(arrays(np.int64, (1, 1, 3, 4, 3), elements={"min_value": 0, "max_value": 2}))
def test_the_largest_component_is_what_a_walk_finds(label):
    kept = largest_components(torch.from_numpy(label)).numpy()[0, 0]
    for structure in (1, 2):
        components = _components(label[0, 0], structure)
        largest = max(components, key=len, default=set())
        assert {tuple(place) for place in np.argwhere(kept == structure)} == largest
        assert (
            largest_components(torch.from_numpy(label), [structure])
            .numpy()[0, 0][label[0, 0] == 3 - structure]
            .all()
        )


MASKS = arrays(np.bool_, (5, 4))


@given(MASKS)
def test_masks_that_overlap_are_each_by_themselves(mask):
    both = torch.from_numpy(np.stack([mask, ~mask]))[None].float()
    found = largest_components(both, [1], overlapping=True)[0].numpy()
    assert (found[0] == mask).all()
    assert (found[1] == largest_component(~mask)).all()


@given(arrays(np.int64, (5, 4), elements={"min_value": 0, "max_value": 2}))
def test_a_hole_is_background_from_which_no_way_leads_out(values):
    """By faces, to the border, not through the structure."""
    label = torch.from_numpy(values)[None, None]
    filled = without_holes(label, [1])[0, 0].numpy()
    outside = {p for p in np.ndindex(values.shape) if values[p] != 1 and _is_edge(p, values)}
    walk = sorted(outside)
    for place in walk:
        for near in _faces(place, values):
            if values[near] != 1 and near not in outside:
                outside.add(near)
                walk.append(near)
    for place in np.ndindex(values.shape):
        closed = values[place] == 0 and place not in outside
        assert filled[place] == (1 if closed else values[place])
    holes = {p for p in np.ndindex(values.shape) if values[p] != 1} - outside
    assert has_holes(values == 1) == bool(holes)


def _is_edge(place, values):
    return any(p in (0, size - 1) for p, size in zip(place, values.shape, strict=True))


def _faces(place, values):
    for axis in range(values.ndim):
        for step in (-1, 1):
            near = list(place)
            near[axis] += step
            if 0 <= near[axis] < values.shape[axis]:
                yield tuple(near)


@pytest.mark.parametrize("change", [largest_components, without_holes])
def test_nothing_stays_nothing(change):
    nothing = torch.zeros(1, 1, 4, 4)
    assert torch.equal(change(nothing, [1, 2]), nothing)
    assert torch.equal(change(nothing, [0], overlapping=True), nothing)


def test_a_corner_is_enough():
    assert components(np.eye(4, dtype=bool))[1] == 1
