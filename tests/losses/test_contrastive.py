"""Point contrast against the equation written out, and its closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from gemini_monai.losses import PointContrastLoss


def _by_hand(first, second, temperature):
    """Both directions of every point of every pair, by loops."""
    total, count = 0.0, 0
    for own, other in ((first, second), (second, first)):
        for a, b in zip(own, other, strict=True):
            for i in range(len(a)):
                scores = [
                    torch.cosine_similarity(a[i], b[j], dim=0) / temperature for j in range(len(b))
                ]
                total -= scores[i] - torch.logsumexp(torch.stack(scores), dim=0)
                count += 1
    return total / count


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_the_equation(temperature):
    first, second = torch.randn(2, 2, 5, 3, dtype=torch.float64)
    found = PointContrastLoss(temperature)(first, second)
    torch.testing.assert_close(found, _by_hand(first, second, temperature))


def test_features_that_are_all_alike_cost_the_logarithm_of_their_number():
    alike = torch.ones(2, 7, 4)
    assert float(PointContrastLoss()(alike, alike)) == pytest.approx(math.log(7))


def test_orthogonal_features_that_match_cost_next_to_nothing():
    eye = torch.eye(6)[None]
    assert float(PointContrastLoss(0.05)(eye, eye)) < 1e-7
    assert float(PointContrastLoss(0.05)(eye, eye.roll(1, dims=1))) > 10


def test_lengths_of_features_and_order_of_points_do_not_count():
    first, second = torch.randn(2, 2, 9, 4, dtype=torch.float64)
    loss, order = PointContrastLoss(), torch.randperm(9)
    expected = loss(first, second)
    torch.testing.assert_close(loss(3 * first, second / 7), expected)
    torch.testing.assert_close(loss(first[:, order], second[:, order]), expected)


def test_gradients():
    points = [torch.randn(1, 4, 3, dtype=torch.float64, requires_grad=True) for _ in "ab"]
    assert torch.autograd.gradcheck(PointContrastLoss(0.5), points)


def test_it_stays_in_single_precision_under_autocast():
    first, second = torch.randn(2, 1, 8, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = PointContrastLoss()(first.bfloat16(), second.bfloat16())
    assert found.dtype == torch.float32


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="temperature must be above 0, got 0"):
        PointContrastLoss(0)
    with pytest.raises(ValueError, match=r"one to one, got \(1, 4, 3\) and \(1, 5, 3\)"):
        PointContrastLoss()(torch.ones(1, 4, 3), torch.ones(1, 5, 3))
