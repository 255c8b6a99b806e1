"""Ignored voxels in the supervised loss: they change nothing, and MONAI agrees."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from monai.losses import DiceLoss

from gemini_monai.geometry.labels import IGNORED
from gemini_monai.objectives import SegmentationObjective

SIZES = [(9, 8), (6, 5, 4)]


def _case(size, *, overlapping=False, images=2):
    """Logits (B, 3, *S) and a label of which a part is ignored, in the second case by structure."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(images, 3, *size, generator=generator, dtype=torch.float64)
    shape = (images, 3 if overlapping else 1, *size)
    label = torch.randint(2 if overlapping else 3, shape, generator=generator).float()
    hidden = torch.rand(shape, generator=generator) < 0.4
    return logits, label.masked_fill(hidden, IGNORED), hidden


def _terms(logits, label, *, overlapping):
    logits = logits.clone().requires_grad_(True)
    objective = SegmentationObjective(weight=1.0, overlapping=overlapping)
    terms = objective(lambda _: logits, {"image": logits, "label": label})
    sum(terms.values()).backward()
    return terms, logits.grad


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("overlapping", [False, True])
def test_what_is_predicted_there_changes_no_loss_and_no_gradient(size, overlapping):
    logits, label, hidden = _case(size, overlapping=overlapping)
    changed = torch.where(hidden, 20 * torch.randn_like(logits), logits)
    (before, gradient), (after, other) = (
        _terms(own, label, overlapping=overlapping) for own in (logits, changed)
    )
    for name in before:
        assert torch.equal(before[name], after[name])
    assert torch.equal(gradient, other)
    assert not gradient[hidden.expand_as(gradient)].any()
    assert gradient[~hidden.expand_as(gradient)].any()


@pytest.mark.parametrize("size", SIZES)
def test_exclusive_classes_are_as_monai_and_torch_ignore_an_index(size):
    logits, label, _ = _case(size)
    terms, _ = _terms(logits, label, overlapping=False)
    theirs = DiceLoss(
        to_onehot_y=True,
        softmax=True,
        squared_pred=True,
        smooth_nr=1,
        smooth_dr=1,
        ignore_index=IGNORED,
    )
    torch.testing.assert_close(terms["dice"], theirs(logits, label))
    crossed = F.cross_entropy(logits, label[:, 0].long(), ignore_index=IGNORED) / 3
    torch.testing.assert_close(terms["cross_entropy"], crossed, rtol=1e-4, atol=0)


def test_overlapping_structures_are_each_the_loss_of_their_own_voxels():
    logits, label, hidden = _case((9, 8), overlapping=True)
    terms, _ = _terms(logits, label, overlapping=True)
    dice, crossed = [], []
    for b in range(2):
        for k in range(3):
            counts = ~hidden[b, k]
            p, t = logits[b, k].sigmoid()[counts], label[b, k][counts].double()
            overlap = (2 * (p * t).sum() + 1) / ((p**2).sum() + (t**2).sum() + 1)
            dice.append(float(1 - overlap))
            crossed += F.binary_cross_entropy(p, t, reduction="none").tolist()
    assert float(terms["dice"]) == pytest.approx(sum(dice) / 6)
    assert float(terms["cross_entropy"]) == pytest.approx(sum(crossed) / len(crossed), rel=1e-4)


@pytest.mark.parametrize("overlapping", [False, True])
def test_an_image_that_is_wholly_ignored_gives_no_term(overlapping):
    logits, label, _ = _case((9, 8), overlapping=overlapping)
    label[1] = IGNORED
    both, gradient = _terms(logits, label, overlapping=overlapping)
    alone, _ = _terms(logits[:1], label[:1], overlapping=overlapping)
    for name in both:
        torch.testing.assert_close(both[name], alone[name])
    assert not gradient[1].any()
    nothing, gradient = _terms(logits[1:], label[1:], overlapping=overlapping)
    assert all(float(term) == 0 for term in nothing.values())
    assert torch.equal(gradient, torch.zeros_like(gradient))


@pytest.mark.parametrize("overlapping", [False, True])
def test_without_ignored_voxels_it_is_monais_loss_to_the_bit(overlapping):
    logits, label, _ = _case((9, 8), overlapping=overlapping)
    label = label.clamp(min=0)
    terms, _ = _terms(logits, label, overlapping=overlapping)
    theirs = DiceLoss(
        to_onehot_y=not overlapping,
        softmax=not overlapping,
        sigmoid=overlapping,
        squared_pred=True,
        smooth_nr=1,
        smooth_dr=1,
    )
    assert torch.equal(terms["dice"], theirs(logits, label))
