"""Learned transforms: the change of appearance and what the segmenter is shown, in loops."""

from __future__ import annotations

import pytest
import torch

from gemini_monai.geometry.warp import warp
from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner
from gemini_monai.study.methods import LearnedAugmentation
from tests.study.methods.oracles import dice_loss, one_hot


@pytest.fixture
def objective(network):
    objective = LearnedAugmentation(weight=3.0, smoothness=0.5)
    objective.bind(network)
    return objective.double()


def _roughness(change, label):
    """Of neighbors along each axis that have one label; those that have not count as 0."""
    axes = []
    for step in ((1, 0), (0, 1)):
        steps = []
        for b in range(2):
            for x in range(8 - step[0]):
                for y in range(10 - step[1]):
                    here, there = (b, 0, x, y), (b, 0, x + step[0], y + step[1])
                    same = bool(label[here] == label[there])
                    steps.append(same * abs(float(change[here] - change[there])))
        axes.append(sum(steps) / len(steps))
    return sum(axes)


def test_a_labeled_image_has_the_looks_of_one_and_the_shape_of_another(objective, network, batch):
    found = objective(network, batch)
    image, label, other = batch["image"], batch["label"], batch["partner"][:2]
    looks = warp(other, network.correspond(image, other).ddf_ba)
    change = objective.appearance(image, looks)
    squares = [float(own) ** 2 for own in (image + change - looks).flatten()]
    ddf = network.correspond(image, other[[1, 0]]).ddf_ab
    output = network(warp(image + change, ddf)).softmax(1)
    wanted = {
        "appearance": sum(squares) / len(squares),
        "appearance_smoothness": 0.5 * _roughness(change, label),
        "augmented": 3 * dice_loss(output, warp(one_hot(label), ddf)),
    }
    assert {name: float(own) for name, own in found.items()} == pytest.approx(wanted, rel=1e-6)


def test_each_term_trains_its_own(objective, network, batch):
    parts = {"field": network.deformer, "looks": objective.appearance, "classes": network.head}
    found = objective(network, batch)
    for term, reached in (
        ("appearance", {"looks"}),
        ("appearance_smoothness", {"looks"}),
        ("augmented", {"classes"}),
    ):
        for own in parts.values():
            own.zero_grad(set_to_none=True)
        found[term].backward(retain_graph=True)
        have = {
            name
            for name, own in parts.items()
            if any(p.grad is not None and p.grad.any() for p in own.parameters())
        }
        assert have == reached, term


def test_a_change_at_a_boundary_costs_nothing(objective, network, batch, monkeypatch):
    label = torch.zeros(2, 1, 8, 10, dtype=torch.long)
    label[..., 5:] = 1
    batch["label"] = label
    for start, rough in ((5, 0.0), (4, 0.5 / 9)):
        change = torch.zeros(2, 1, 8, 10).double()
        change[..., start:] = 1
        monkeypatch.setattr(objective.appearance, "forward", lambda a, b, own=change: own)
        found = float(objective(network, batch)["appearance_smoothness"])
        assert found == pytest.approx(rough, abs=1e-12)


def test_it_trains_in_3d_on_two_channels_and_one_pair():
    network = Gemini(3, 2, 3, channels=(4, 8))
    learner = Learner(network, {"augmentation": LearnedAugmentation(in_channels=2)})
    batch = {name: torch.rand(1, 2, 8, 8, 8) for name in learner.reads}
    batch["label"] = torch.randint(3, (1, 1, 8, 8, 8))
    sum(learner(["augmentation"], batch).values()).backward()
    owned = learner.objectives["augmentation"].parameters()
    assert all(own.grad is not None for own in owned)
