"""MASSL: structures are restored where the segmenter sees them, in loops."""

from __future__ import annotations

import pytest
import torch

from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner
from gemini_monai.study.methods import AttentionRestoration


@pytest.fixture(params=[1, 2])
def case(request):
    """Objective, network and batch of images of one channel, and of two."""
    channels = request.param
    network = Gemini(2, channels, 3, channels=(4, 8)).double()
    objective = AttentionRestoration(weight=3.0, in_channels=channels)
    objective.bind(network)
    image, other = torch.rand(2, channels, 5, 6), torch.rand(3, channels, 5, 6)
    return objective.double(), network, {"image": image.double(), "unlabeled": other.double()}


def test_each_class_is_restored_by_its_share_of_the_image(case):
    objective, network, batch = case
    found = objective(network, batch)["attention_restoration"]
    squares = []
    for image in [*batch["image"], *batch["unlabeled"]]:
        features = network.features(image[None])
        restored, logits = objective.head(features)[0], network.head(features)[0]
        channels = len(image)
        for x in range(5):
            for y in range(6):
                share = logits[:, x, y].softmax(0)
                for c in range(3):
                    for k in range(channels):
                        wanted = image[k, x, y] * share[c]
                        squares.append(float(restored[channels * c + k, x, y] - wanted) ** 2)
    assert float(found) == pytest.approx(3 * sum(squares) / len(squares), rel=1e-6)


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
