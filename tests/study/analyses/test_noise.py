"""Wrong pairs at the rates that are asked for, and the loss against loops."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.geometry.labels import IGNORED
from gemini_monai.study.analyses import noise_fit
from gemini_monai.study.analyses.noise import TEMPERATURE, draw_pairs, pair_loss


@given(seed=st.integers(0, 50), wrong=st.sampled_from([0.0, 0.31, 1.0]))
def test_pairs_are_wrong_as_often_as_they_should(seed, wrong):
    torch.manual_seed(seed)
    label = torch.tensor([0] * 50 + [2] * 3 + [5] * 9)[torch.randperm(62)]
    anchors, positives, negatives = draw_pairs(label, 4000, 3, rates=(wrong, 1 - wrong))
    own = label[anchors]
    counts = torch.stack([(own == value).sum() for value in (0, 2, 5)]) / 4000
    assert counts == pytest.approx([1 / 3] * 3, abs=0.04)
    assert float((label[positives] != own).double().mean()) == pytest.approx(wrong, abs=0.04)
    same = (label[negatives] == own[:, None]).double().mean()
    assert float(same) == pytest.approx(1 - wrong, abs=0.04)


def test_every_voxel_of_a_structure_is_drawn():
    label = torch.tensor([0, 1, 1, 0, 3])
    anchors, *_ = draw_pairs(label, 500, 1, rates=(0.0, 0.0))
    assert set(anchors.tolist()) == set(range(5))


def test_the_loss_is_that_of_its_equation():
    torch.manual_seed(0)
    anchor, positive = F.normalize(torch.randn(2, 4, 3), dim=-1)
    negative = F.normalize(torch.randn(4, 5, 3), dim=-1)
    total = 0.0
    for k in range(4):
        near = math.exp(float(anchor[k] @ positive[k]) / TEMPERATURE)
        far = sum(math.exp(float(anchor[k] @ own) / TEMPERATURE) for own in negative[k])
        total -= math.log(near / (near + far)) / 4
    assert float(pair_loss(anchor, positive, negative)) == pytest.approx(total, rel=1e-5)


def test_true_pairs_fit_the_image_and_wrong_ones_do_not(tiny_phantom):
    found = noise_fit(tiny_phantom.parent, iterations=40, every=20, rates=[(0.0, 0.0), (1.0, 1.0)])
    assert [row["iteration"] for row in found.rows] == [20, 40, 20, 40]
    true, wrong = found.rows[1], found.rows[3]
    assert true["dice"] > 0.8 > wrong["dice"]
    assert "false positives 0 %" in found.sentences[0]
    assert len(found.figure.axes) == 2


def test_ignored_voxels_are_drawn_neither_as_anchors_nor_as_others():
    label = torch.tensor([IGNORED] * 40 + [0] * 5 + [2] * 3 + [5] * 9)
    for places in draw_pairs(label, 500, 3, rates=(0.5, 0.5)):
        assert (label[places] != IGNORED).all()
