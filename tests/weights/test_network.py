"""Weights out of a run's own checkpoint, where objectives may own networks too."""

from __future__ import annotations

import copy

import pytest
import torch

from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner, Objective
from gemini_monai.weights import load_backbone, load_network


class _Teacher(Objective):
    """Owns a copy of the network."""

    def bind(self, network):
        self.teacher = copy.deepcopy(network)


def _network(seed):
    torch.manual_seed(seed)
    return Gemini(2, 1, 3, channels=(4, 8))


@pytest.fixture
def source():
    return _network(0)


@pytest.fixture
def last(source, tmp_path):
    learner = Learner(source, {"teacher": _Teacher()})
    with torch.no_grad():
        for parameter in learner.objectives["teacher"].parameters():
            parameter.add_(1.0)
    torch.save({"learner": learner.state_dict(), "optimizer": {}, "epoch": 1}, tmp_path / "last.pt")
    return tmp_path / "last.pt"


def test_a_network_comes_back_without_what_objectives_own(source, last):
    state = load_network(_network(1), last).state_dict()
    for name, value in source.state_dict().items():
        assert torch.equal(state[name], value), name


def test_a_backbone_is_the_networks_and_not_the_teachers(source, last):
    network = _network(1)
    loaded = load_backbone(network, last, verbose=False)
    assert loaded.missing == loaded.unexpected == []
    for name, value in source.backbone.state_dict().items():
        assert torch.equal(network.backbone.state_dict()[name], value), name
