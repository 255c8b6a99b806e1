"""Corruptions: what changes, how much, and that nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.transforms import (
    RandBezierIntensity,
    RandInPainting,
    RandLocalShuffle,
    RandOutPainting,
)

EVERY = [RandLocalShuffle, RandBezierIntensity, RandInPainting, RandOutPainting]
SHAPES = {2: (1, 40, 60), 3: (1, 20, 24, 28)}


def _image(axes=2, seed=0):
    return torch.rand(SHAPES[axes], generator=torch.Generator().manual_seed(seed))


def _made(kind, *, seed=0, **options):
    return kind(**({"prob": 1.0} | options)).set_random_state(seed=seed)


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("kind", EVERY)
def test_the_input_stays_and_the_seed_decides(kind, axes):
    image = _image(axes)
    before = image.clone()
    first, again, other = (_made(kind, seed=seed)(image) for seed in (1, 1, 2))
    assert torch.equal(image, before)
    assert first.shape == image.shape
    assert first.dtype == image.dtype
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, image)
    assert first.min() >= 0
    assert first.max() <= 1


@pytest.mark.parametrize("kind", EVERY)
def test_without_luck_nothing_changes(kind):
    image = _image()
    assert torch.equal(_made(kind, prob=0.0)(image), image)
    changed = sum(not torch.equal(_made(kind, prob=0.5, seed=s)(image), image) for s in range(60))
    assert 15 < changed < 45


@pytest.mark.parametrize("axes", [2, 3])
def test_shuffling_moves_voxels_and_makes_none(axes):
    image = _image(axes)
    shuffled = _made(RandLocalShuffle, boxes=50)(image)
    assert torch.equal(shuffled.flatten().sort().values, image.flatten().sort().values)


def test_shuffling_stays_within_a_box():
    image = torch.arange(60.0).expand(1, 60, 60).clone()
    moved = (_made(RandLocalShuffle, boxes=1)(image) - image).abs()
    assert 0 < moved.max() < 2
    assert (moved > 0).sum() <= 4


@given(seed=st.integers(0, 500))
def test_a_curve_keeps_order_and_ends(seed):
    ramp = torch.linspace(0, 1, 200, dtype=torch.float64)[None]
    mapped = _made(RandBezierIntensity, seed=seed)(ramp)
    assert (mapped.diff() >= 0).all()
    assert mapped[0, 0] == 0
    assert mapped[0, -1] == 1


def test_an_inverted_curve_goes_down_as_often_as_it_may():
    ramp = torch.linspace(0, 1, 200, dtype=torch.float64)[None]
    down = 0
    for seed in range(200):
        mapped = _made(RandBezierIntensity, seed=seed, inverted=0.5)(ramp)
        ends = mapped[0, 0].item(), mapped[0, -1].item()
        assert ends in ((0, 1), (1, 0))
        down += ends == (1, 0)
        assert ends == (1, 0) or (mapped.diff() >= 0).all()
    assert 80 <= down <= 120


@given(seed=st.integers(0, 200), axes=st.sampled_from([2, 3]))
def test_painted_boxes_are_few_and_small(seed, axes):
    image = torch.full(SHAPES[axes], 2.0)
    painted = _made(RandInPainting, seed=seed)(image)[0] != 2
    assert painted.any()
    largest = np.prod([max(1, round(axis / 10)) for axis in SHAPES[axes][1:]])
    assert painted.sum() <= 10 * largest


def test_boxes_go_on_with_their_probability():
    image = torch.full((1, 400, 400), 2.0)
    one = _made(RandInPainting, again=0.0, sides=(0.05, 0.05))(image)
    assert (one != 2).sum() == 20 * 20
    counts = [
        float((_made(RandInPainting, seed=s, sides=(0.01, 0.01))(image) != 2).sum()) / 16
        for s in range(200)
    ]
    expected = sum(0.95**k for k in range(10))
    assert np.mean(counts) == pytest.approx(expected, abs=0.6)


@pytest.mark.parametrize("axes", [2, 3])
def test_out_painting_keeps_a_few_large_boxes(axes):
    image = torch.full(SHAPES[axes], 2.0)
    one = _made(RandOutPainting, boxes=1)(image)[0] == 2
    for axis, side in enumerate(one.shape):
        kept = one.movedim(axis, 0).reshape(side, -1).any(dim=1)
        assert int(3 / 7 * side) <= int(kept.sum()) <= int(4 / 7 * side) + 1
    more = _made(RandOutPainting)(image)[0] == 2
    assert one.sum() < more.sum() < more.numel()
