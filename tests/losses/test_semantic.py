"""Equation 7 and its two paths of gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from gemini_monai.geometry.warp import warp
from gemini_monai.losses import SemanticSimilarityLoss

SHAPES = [(6, 7), (5, 6, 4)]


def _inputs(shape, *, seed=0):
    torch.manual_seed(seed)
    a, b = torch.randn(2, 2, 4, *shape, dtype=torch.float64)
    ddf = torch.rand(2, len(shape), *shape, dtype=torch.float64)
    mask = torch.rand(2, 1, *shape, dtype=torch.float64).round()
    return a.requires_grad_(), b.requires_grad_(), ddf.requires_grad_(), mask


def _two_paths(a, b, ddf, mask, *, positive):
    """Equation 7 with its stop-gradients spelled out: two warps and two cosines."""

    def distance(source, target, field):
        cosine = F.cosine_similarity(warp(source, field), target, dim=1).unsqueeze(1)
        return 1 - (cosine * mask).sum() / mask.sum()

    towards_field = distance(a.detach(), b.detach(), ddf)
    return towards_field + positive * distance(a, b, ddf.detach())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("positive", [0.1, 1.0])
def test_one_warp_gives_the_value_and_gradients_of_the_two_paths(shape, positive):
    inputs = _inputs(shape)
    ours = SemanticSimilarityLoss()(*inputs, positive=positive)
    theirs = _two_paths(*inputs, positive=positive)
    torch.testing.assert_close(ours, theirs)
    for mine, other in zip(
        torch.autograd.grad(ours, inputs[:3]), torch.autograd.grad(theirs, inputs[:3]), strict=True
    ):
        torch.testing.assert_close(mine, other)


def test_without_the_positive_path_features_get_no_gradient_and_the_field_does():
    a, b, ddf, mask = _inputs((6, 7))
    SemanticSimilarityLoss()(a, b, ddf, mask, positive=0.0).backward()
    assert a.grad is None
    assert b.grad is None
    assert ddf.grad is not None
    assert ddf.grad.abs().sum() > 0


@pytest.mark.parametrize("shape", SHAPES)
def test_parallel_features_cost_nothing_and_opposed_ones_two(shape):
    a = torch.ones(1, 4, *shape)
    ddf, mask = torch.zeros(1, len(shape), *shape), torch.ones(1, 1, *shape)
    loss = SemanticSimilarityLoss()
    torch.testing.assert_close(loss(a, 5 * a, ddf, mask, positive=0), torch.tensor(0.0))
    torch.testing.assert_close(loss(a, -a, ddf, mask, positive=0), torch.tensor(2.0))
    torch.testing.assert_close(loss(a, -a, ddf, mask, positive=0.1), torch.tensor(2.2))


def test_an_empty_mask_gives_zero_and_finite_gradients():
    a, b, ddf, mask = _inputs((6, 7))
    loss = SemanticSimilarityLoss()(a, b, ddf, torch.zeros_like(mask))
    loss.backward()
    assert loss == 0
    assert a.grad is not None
    assert a.grad.isfinite().all()


def test_features_of_different_shape_are_refused():
    a, b, ddf, mask = _inputs((6, 7))
    with pytest.raises(ValueError, match=r"one shape, got \(2, 4, 6, 7\) and \(2, 3, 6, 7\)"):
        SemanticSimilarityLoss()(a, b[:, :3], ddf, mask)


@pytest.mark.parametrize("share", [1.0, 0.01, 1e-6])
def test_a_soft_mask_weighs_and_does_not_scale(share):
    a, b, ddf, _ = _inputs((6, 7))
    weights = torch.rand(2, 1, 6, 7, dtype=torch.float64)
    loss = SemanticSimilarityLoss()
    torch.testing.assert_close(loss(a, b, ddf, weights), loss(a, b, ddf, share * weights))
    assert loss(a, b, ddf, 0 * weights) == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_feature_that_is_not_finite_outside_the_mask_does_not_count(value):
    a, b, ddf, _ = (x.detach() for x in _inputs((6, 7)))
    ddf, mask = torch.zeros_like(ddf), torch.ones(2, 1, 6, 7, dtype=torch.float64)
    mask[..., :3] = 0
    loss = SemanticSimilarityLoss()
    expected = loss(a, b, ddf, mask)
    a[..., 0], b[..., 1] = value, value
    a.requires_grad_()
    b.requires_grad_()
    found = loss(a, b, ddf, mask)
    torch.testing.assert_close(found, expected)
    for gradient in torch.autograd.grad(found, (a, b)):
        assert gradient.isfinite().all()
