"""MASSL: structures are restored where the segmenter sees them, in loops."""

from __future__ import annotations

from statistics import mean

import pytest
import torch

from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner
from gemini_monai.study.methods import AttentionRestoration
from tests.study.methods.authors import Waves, images


@pytest.fixture(params=[1, 2])
def case(request):
    """Objective, network and batch of images of one channel, and of two."""
    channels = request.param
    network = Gemini(2, channels, 3, channels=(4, 8)).double()
    objective = AttentionRestoration(weight=3.0, in_channels=channels)
    objective.bind(network)
    return objective.double(), network, {"unlabeled": torch.rand(3, channels, 5, 6).double()}


def test_the_value_is_that_of_the_authors_code():
    """Their ``loss`` of ``trainUnlabeled`` in mode ``fuse``, at the docstring's commit."""
    objective, network = AttentionRestoration(weight=2.0), Waves(classes=2)
    objective.head = Waves(classes=2).head
    with torch.no_grad():
        objective.head[0].weight.mul_(-0.3)
    found = objective(network, {"unlabeled": images(3, 6, 5, step=0.17)})
    assert found["attention_restoration"].item() == pytest.approx(2 * 0.2068479517216073, rel=1e-12)


def test_each_class_is_restored_by_its_share_of_the_image(case):
    objective, network, batch = case
    found = objective(network, batch)["attention_restoration"]
    squares, shares = [[], [], []], [[], [], []]
    for image in batch["unlabeled"]:
        features = network.features(image[None])
        restored, logits = objective.head(features)[0].sigmoid(), network.head(features)[0]
        channels = len(image)
        for x in range(5):
            for y in range(6):
                share = logits[:, x, y].softmax(0)
                for c in range(3):
                    shares[c].append(float(share[c]))
                    for k in range(channels):
                        wanted = image[k, x, y] * share[c]
                        error = restored[channels * c + k, x, y] - wanted
                        squares[c].append(float(error) ** 2)
    total = sum(mean(a) * mean(e) for a, e in zip(shares, squares, strict=True))
    assert found.item() == pytest.approx(3 * total, rel=1e-6)


def test_what_the_segmenter_sees_is_not_trained_by_it(case):
    objective, network, batch = case
    objective(network, batch)["attention_restoration"].backward()
    assert all(own.grad is None for own in network.head.parameters())
    reached = [*network.backbone.parameters(), *objective.head.parameters()]
    assert all(own.grad is not None and own.grad.any() for own in reached)


def test_another_segmenter_asks_for_other_structures(case):
    objective, network, batch = case
    first = float(objective(network, batch)["attention_restoration"])
    with torch.no_grad():
        network.head[-1].bias.copy_(torch.tensor([9.0, 0.0, 0.0]))
    assert float(objective(network, batch)["attention_restoration"]) != pytest.approx(first)


def test_it_is_trained_with_the_network_in_3d():
    network = Gemini(3, 1, 2, channels=(4, 8))
    learner = Learner(network, {"attention": AttentionRestoration()})
    batch = {name: torch.rand(1, 1, 8, 8, 8) for name in learner.reads}
    learner(["attention"], batch)["attention_restoration"].backward()
    assert all(own.grad is not None for own in learner.objectives["attention"].parameters())
