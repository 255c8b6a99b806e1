"""Means of probabilities, against what NumPy says of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gemini_monai.inference.averages import ProbabilityMean


def _softmax(logits, axis):
    powers = np.exp(logits - logits.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_probabilities_of_the_result_are_the_mean(dim, count):
    several = [5 * torch.randn(3, 3, 4, 2) for _ in range(count)]
    for overlapping in (False, True):
        mean = ProbabilityMean(overlapping=overlapping, dim=dim)
        for logits in several:
            mean.add(logits)
        arrays = [logits.double().numpy() for logits in several]
        if overlapping:
            expected = np.mean([1 / (1 + np.exp(-x)) for x in arrays], 0)
            found = mean.logits().sigmoid()
        else:
            expected = np.mean([_softmax(x, dim) for x in arrays], 0)
            found = mean.logits().softmax(dim)
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("overlapping", [False, True])
def test_what_is_nearly_sure_stays_finite_and_on_its_side(overlapping):
    mean = ProbabilityMean(overlapping=overlapping)
    for sign in (1, 1, 1):
        mean.add(torch.tensor([200.0, -300.0]) * sign)
    found = mean.logits()
    assert torch.isfinite(found).all()
    assert found[0] > 0 > found[1] or (not overlapping and found[0] > found[1])


def test_half_precision_is_added_in_single():
    mean = ProbabilityMean(overlapping=False)
    mean.add(torch.zeros(2, 3, dtype=torch.bfloat16))
    assert mean.logits().dtype == torch.float32
