"""Our iteration against one computed the way the published code does, in 2-D and 3-D."""

from __future__ import annotations

import pytest
import torch

from benchmarks.published_form import homeomorphism_loss, segmentation_loss
from benchmarks.step import compare
from gemini_monai.networks import Gemini
from gemini_monai.objectives import HomeomorphismObjective, SegmentationObjective

SIZES = {2: (36, 28), 3: (20, 18, 12)}


def _gradients(network, loss):
    network.zero_grad()
    loss.backward()
    return {name: p.grad for name, p in network.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("axes", [2, 3])
def test_losses_and_gradients_agree(axes):
    network = Gemini(axes, 1, 4, channels=(8, 16, 16)).double()
    a, b = torch.rand(2, 2, 1, *SIZES[axes], dtype=torch.float64)
    label = torch.randint(4, (2, 1, *SIZES[axes]))
    batch = {"image_a": a, "image_b": b, "image": a, "label": label}
    for ours, theirs in (
        (HomeomorphismObjective()(network, batch), homeomorphism_loss(network, a, b)),
        (SegmentationObjective()(network, batch), segmentation_loss(network, a, label)),
    ):
        total = torch.stack(list(ours.values())).sum()
        torch.testing.assert_close(total, theirs, rtol=1e-7, atol=0)
        expected = _gradients(network, theirs)
        found = _gradients(network, total)
        assert found.keys() == expected.keys()
        scale = max(float(gradient.norm()) for gradient in expected.values())
        for name, gradient in found.items():
            # Biases before a normalization have no gradient but rounding.
            allowed = 1e-6 * expected[name].norm() + 1e-9 * scale
            assert (gradient - expected[name]).norm() <= allowed, name


def test_the_benchmark_runs(monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.step.SETTINGS", {"tiny": ((16, 16), 1)})
    monkeypatch.setattr("benchmarks.step._peak_in_a_process", lambda form, setting: 100.0)
    compare("tiny", repeats=1)
    assert '"ratio_of_time"' in capsys.readouterr().out
