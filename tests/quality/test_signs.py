"""Signs of a good mask, in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.quality.disturbed import DISTURBANCES
from gemini_monai.quality.looks import Look
from gemini_monai.quality.signs import SIGNS, Reference, dice, pooled, signs_of

FAR = np.log1p(50)
FEATURES = torch.stack([torch.ones(8, 8), torch.arange(64.0).view(8, 8)])


def _box(low, high, size=8):
    mask = torch.zeros(size, size)
    mask[low:high, low:high] = 1
    return mask


def _signs(mask, *, probability=None, others=None, reference=None):
    likely = mask if probability is None else probability
    views = tuple(own[None] for own in (others or (mask, mask)))
    look = Look(likely[None], mask[None], views, FEATURES)
    row = signs_of(look, mask[None], [reference], distance=1.0)[0]
    return dict(zip(SIGNS, row, strict=True))


def test_a_mask_that_all_agree_on():
    mask = _box(2, 6)
    found = _signs(mask, reference=Reference.of([mask] * 3, [FEATURES] * 3))
    assert [found[name] for name in SIGNS[:3]] == pytest.approx([1, 1, 1])
    assert [found[k] for k in ("volume", "appearance", "place")] == pytest.approx([0] * 3, abs=1e-6)
    assert found["doubt"] == pytest.approx(0, abs=1e-4)
    assert found["image"] == pytest.approx(np.log(2))


def test_agreement_is_dice_with_the_other_views():
    mask = _box(2, 6)
    found = _signs(mask, others=(_box(2, 4), mask * 0))
    assert found["agreement"] == pytest.approx((2 * 4 / 20 + 0) / 2)
    assert found["least_agreement"] == 0
    half = _signs(mask, probability=mask / 2)
    assert half["certainty"] == pytest.approx(2 * 8 / (8 + 16))
    assert half["doubt"] == pytest.approx(np.log(2))


def test_what_is_empty_or_was_never_seen_is_far():
    known = Reference.of([_box(2, 6)], [FEATURES])
    for found in (_signs(_box(0, 0), reference=known), _signs(_box(2, 6))):
        assert [found[k] for k in ("volume", "appearance", "place")] == pytest.approx([FAR] * 3)
    empty = _signs(_box(0, 0))
    assert empty["certainty"] == empty["agreement"] == empty["doubt"] == 0


def test_distances_are_in_standard_deviations():
    known = Reference.of([_box(2, 4), _box(2, 6)], [FEATURES] * 2)
    volumes = np.log([4.0, 16.0])
    expected = abs(np.log(36) - volumes.mean()) / (volumes.std() + 0.1)
    assert _signs(_box(1, 7), reference=known)["volume"] == pytest.approx(np.log1p(expected))


@given(st.integers(0, 8), st.integers(0, 8))
def test_dice_is_that_of_sets(first, second):
    a, b = _box(0, first), _box(0, second)
    both = first**2 + second**2
    assert dice(a, b) == pytest.approx(2 * min(first, second) ** 2 / both if both else 0)


@pytest.mark.parametrize("shape", [(16, 12), (9, 9, 9)])
def test_means_in_places_are_of_the_features(shape):
    features = torch.full((3, *shape), 2.0)
    assert pooled(features).shape == (3 * (16 if len(shape) == 2 else 27),)
    assert (pooled(features) == 2).all()


@pytest.mark.parametrize("name", list(DISTURBANCES))
@pytest.mark.parametrize("shape", [(32, 28), (17, 19, 18)])
def test_a_label_goes_where_its_image_goes(name, shape):
    label = torch.zeros(1, *shape)
    label[0, shape[0] // 3 : 5 * shape[0] // 6, 5:13] = 1
    image, moved = DISTURBANCES[name](label.clone(), label)
    assert image.shape == moved.shape == label.shape
    assert set(moved.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(image, DISTURBANCES[name](label.clone(), label)[0])
    if name in ("turned", "cut"):
        assert dice((image > 0.5).float(), moved) > 0.85
        assert not torch.equal(moved, label)
    else:
        assert torch.equal(moved, label)
        same = name in ("as it is", "lighter", "darker")  # of zeros and ones
        assert torch.allclose(image, label, atol=1e-5) == same
