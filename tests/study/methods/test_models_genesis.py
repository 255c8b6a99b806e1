"""What Models Genesis makes of an image before it is restored."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gemini_monai.study.methods import RandWindowShuffle
from tests.bundles.runs import MIP, workflow

SIZES = {2: (40, 60), 3: (20, 24, 30)}


def _numbers(size):
    return torch.arange(float(np.prod(size))).reshape(1, *size)


def _shuffled(image, seed=0, prob=1.0, **options):
    return RandWindowShuffle(prob, **options).set_random_state(seed=seed)(image)


@pytest.mark.parametrize("axes", [2, 3])
def test_a_window_is_shuffled_in_itself_and_has_any_side_up_to_a_tenth(axes):
    size = SIZES[axes]
    sides = set()
    for seed in range(200):
        image = _numbers(size)
        found = _shuffled(image, seed, boxes=1)
        assert torch.equal(found.flatten().sort().values, image.flatten())
        where = (found != image)[0].nonzero()
        if len(where):
            sides.add(tuple((where.amax(dim=0) - where.amin(dim=0) + 1).tolist()))
    greatest = np.array([side // 10 for side in size])
    assert (np.array(list(sides)) <= greatest).all()
    assert (np.array(list(sides)).max(axis=0) == greatest).all()
    assert len(sides) > greatest.prod() / 3


def test_windows_are_of_the_image_as_it_was():
    """However many there are, nothing goes farther than one window."""
    ramp = torch.arange(60.0).expand(1, 40, 60)
    moved = (_shuffled(ramp) - ramp).abs()
    assert (moved > 0).float().mean() > 0.6
    assert moved.max() <= 5


def test_ten_thousand_windows_leave_as_much_of_a_volume_as_the_authors_leave():
    """A fifth of a cube of 64 x 64 x 32, the one that they cut out, stays where it is."""
    image = _numbers((64, 64, 32))
    stays = (_shuffled(image) == image).float().mean()
    assert 0.18 < float(stays) < 0.24


def test_channels_stay_together_and_without_luck_nothing_changes():
    image = _numbers((30, 30)).repeat(2, 1, 1)
    found = _shuffled(image)
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found, image)
    assert torch.equal(_shuffled(image, prob=0.0), image)


def test_the_overlay_shuffles_inverts_and_paints_as_the_authors_do(tiny_phantom):
    flow = workflow("train", "method_models_genesis", bundle=MIP, datalist=str(tiny_phantom))
    shuffle, curve, paint = flow.parser.get_parsed_content("corruption").transforms
    assert (shuffle.boxes, shuffle.prob) == (10_000, 0.5)
    assert (curve.inverted, curve.prob) == (0.5, 0.9)
    out, inside, _ = paint.transforms
    assert (inside.boxes, inside.prob, inside.again) == (5, 0.95, 0.95)
    assert inside.sides == pytest.approx((1 / 6, 1 / 3))
    assert (out.boxes, out.again) == (5, 0.95)
    assert out.sides == pytest.approx((3 / 7, 4 / 7))
    assert paint.weights == pytest.approx((0.9 * 0.8, 0.9 * 0.2, 0.1))
