"""Restoration: closed forms and errors."""

from __future__ import annotations

import pytest
import torch

from gemini_monai.networks import Gemini
from gemini_monai.objectives import RestorationObjective


@pytest.mark.parametrize("axes", [2, 3])
def test_the_term_is_the_weighted_mean_square(axes):
    clean = torch.rand(2, 1, *[8] * axes, dtype=torch.float64)
    batch = {"corrupted": clean + 0.1, "clean": clean}
    found = RestorationObjective()(lambda image: image, batch)
    torch.testing.assert_close(found["restoration"], torch.tensor(1.0, dtype=torch.float64))
    restored = RestorationObjective()(lambda image: image - 0.1, batch)["restoration"]
    assert float(restored) < 1e-20


def test_it_trains_backbone_and_head_but_not_the_deformer():
    network = Gemini(2, 1, 1, channels=(4, 8))
    batch = {"corrupted": torch.rand(2, 1, 8, 8), "clean": torch.rand(2, 1, 8, 8)}
    RestorationObjective()(network, batch)["restoration"].backward()
    trained = {n.split(".")[0] for n, p in network.named_parameters() if p.grad is not None}
    assert trained == {"backbone", "head"}


def test_half_precision_is_compared_in_single():
    batch = {"corrupted": torch.rand(1, 1, 8, 8), "clean": torch.rand(1, 1, 8, 8)}
    term = RestorationObjective()(lambda image: image.half(), batch)["restoration"]
    assert term.dtype == torch.float32


def test_another_number_of_channels_is_refused():
    batch = {"corrupted": torch.rand(1, 1, 8, 8), "clean": torch.rand(1, 1, 8, 8)}
    with pytest.raises(ValueError, match=r"got \(1, 5, 8, 8\) and \(1, 1, 8, 8\)"):
        RestorationObjective()(Gemini(2, 1, 5, channels=(4, 8)), batch)
