"""True pairs and false negatives, against counts by hand and against every pair."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from gemini_monai.geometry.labels import IGNORED
from gemini_monai.study.analyses.pair_rates import (
    false_negatives_between,
    false_negatives_within,
    true_by_field,
    true_by_likeness,
)


def test_false_negatives_are_those_of_every_pair():
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randint(4, (2, 4, 5), generator=generator)
    inside = [[int(v) for v in own.flatten() if v > 0] for own in (first, second)]
    own = [a == b for a, b in itertools.permutations(inside[0], 2)]
    assert false_negatives_within(first) == pytest.approx(sum(own) / len(own))
    both = [a == b for a, b in itertools.product(*inside)]
    assert false_negatives_between(first, second) == pytest.approx(sum(both) / len(both))


def test_no_foreground_has_no_rate():
    empty, full = torch.zeros(3, 3).long(), torch.ones(3, 3).long()
    assert math.isnan(false_negatives_within(empty))
    assert math.isnan(false_negatives_between(empty, full))


@pytest.mark.parametrize("size", [(20, 15), (6, 7, 8)])
def test_the_most_alike_voxel_is_found_among_all(size):
    torch.manual_seed(0)
    features_a, features_b = torch.randn(2, 1, 3, *size)
    labels = tuple(torch.randint(4, (2, *size)))
    places = torch.randperm(math.prod(size))[:280]  # more than are held at a time
    hits = 0
    for place in places.tolist():
        own = features_a[0].flatten(1)[:, place]
        likeness = F.cosine_similarity(own[:, None], features_b[0].flatten(1), dim=0)
        hits += int(labels[1].flatten()[likeness.argmax()] == labels[0].flatten()[place])
    assert true_by_likeness(features_a, features_b, labels, places) == hits / len(places)


def test_the_fields_partner_of_a_shifted_map_is_true_where_it_lies_inside():
    label = torch.arange(1, 9)[:, None].expand(8, 5).clone()
    shifted = label.roll(2, dims=0)
    ddf = torch.zeros(1, 2, 8, 5)
    ddf[:, 0] = 2
    everywhere = torch.arange(40)
    assert true_by_field(ddf, (label, shifted), everywhere) == 6 / 8
    assert true_by_field(ddf, (label, shifted), everywhere[:30]) == 1
    assert true_by_field(torch.zeros_like(ddf), (label, shifted), everywhere) == 0


def test_ignored_partners_are_in_no_rate_and_ignored_voxels_no_structure():
    label = torch.tensor([[1, 1, 2, IGNORED]])
    assert false_negatives_within(label) == pytest.approx(2 / 6)
    assert false_negatives_between(label, label) == pytest.approx((4 + 1) / 9)
    ddf = torch.zeros(1, 2, 1, 4)
    ddf[:, 1] = 1  # the partner is the right neighbor
    assert true_by_field(ddf, (label, label), torch.arange(3)) == 1 / 2
    assert math.isnan(true_by_field(ddf, (label, label), torch.tensor([2])))
    features = torch.eye(4)[None, :, None]
    assert true_by_likeness(features, features, (label.abs(), label), torch.arange(4)) == 1
