"""The learner: what it trains, moves and refuses."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gemini_monai.base.errors import InputError
from gemini_monai.networks import Gemini
from gemini_monai.objectives import (
    HomeomorphismObjective,
    Learner,
    Objective,
    RestorationObjective,
    SegmentationObjective,
)


def _network():
    torch.manual_seed(0)
    return Gemini(2, 1, 3, channels=(4, 8))


class _Owner(Objective):
    """Names one term, and owns a head and a frozen copy of it."""

    reads = ("image", "view_a")

    def __init__(self, term="owned"):
        super().__init__()
        self.term = term
        self.bound = 0

    def bind(self, network):
        self.bound += 1
        self.head = nn.Conv2d(3, 1, 1)
        self.frozen = nn.Conv2d(3, 1, 1).requires_grad_(False)

    def forward(self, network, batch, *, progress=1.0):
        return {self.term: self.head(network(batch["image"])).mean()}


IMAGE = {"image": torch.rand(1, 1, 8, 8)}


def test_parameters_are_the_networks_then_those_of_objectives_that_are_trained():
    network, owner = _network(), _Owner()
    learner = Learner(network, {"owner": owner})
    trained = learner.trainable()
    assert trained[: len(list(network.parameters()))] == list(network.parameters())
    assert trained[len(list(network.parameters())) :] == list(owner.head.parameters())
    assert owner.bound == 1
    assert "objectives.owner.frozen.weight" in learner.state_dict()
    assert next(learner.double().objectives["owner"].head.parameters()).dtype == torch.float64


def test_it_reads_what_its_objectives_read_and_knows_who_registers():
    learner = Learner(_network(), {"a": SegmentationObjective(), "b": _Owner()})
    assert learner.reads == ("image", "label", "view_a")
    assert not learner.registers
    assert Learner(_network(), {"a": HomeomorphismObjective()}).registers


def test_an_objective_that_an_overlay_takes_out_is_gone():
    learner = Learner(_network(), {"a": None, "b": SegmentationObjective()})
    assert list(learner.objectives) == ["b"]
    with pytest.raises(InputError, match="objectives: none is left"):
        Learner(_network(), {"a": None})


def test_what_is_no_objective_is_named():
    with pytest.raises(InputError, match="objective 'a' must be an Objective, got Linear"):
        Learner(_network(), {"a": nn.Linear(1, 1)})


def test_a_term_named_twice_is_refused_in_one_step_and_across_steps():
    message = "objectives 'a' and 'b' both name a term 'same'"
    learner = Learner(_network(), {"a": _Owner("same"), "b": _Owner("same")})
    with pytest.raises(InputError, match=message):
        learner(["a", "b"], IMAGE)
    learner = Learner(_network(), {"a": _Owner("same"), "b": _Owner("same")})
    for _ in range(2):
        learner(["a"], IMAGE)
    with pytest.raises(InputError, match=message):
        learner(["b"], IMAGE)


@pytest.mark.parametrize("term", ["loss", "iteration"])
def test_a_column_of_the_history_is_no_name_for_a_term(term):
    with pytest.raises(InputError, match=f"objective 'a': a term cannot be named '{term}'"):
        Learner(_network(), {"a": _Owner(term)})(["a"], IMAGE)


def test_terms_are_those_of_the_objectives_that_are_asked():
    learner = Learner(_network(), {"a": RestorationObjective(), "b": _Owner()})
    assert set(learner(["b"], IMAGE)) == {"owned"}


def test_an_objective_without_a_forward_pass_says_so():
    with pytest.raises(NotImplementedError, match="Objective has no forward pass"):
        Learner(_network(), {"a": Objective()})(["a"], IMAGE)


def test_the_average_follows_each_step_and_is_what_is_kept():
    network = _network()
    learner = Learner(network, {"labels": SegmentationObjective()}, average=0.75)
    assert learner.kept is not network
    assert {id(p) for p in learner.trainable()} == {id(p) for p in network.parameters()}
    weight, expected = network.head[-1].weight, None
    for step in range(1, 8):
        with torch.no_grad():
            weight.copy_(torch.full_like(weight, float(step)))
        learner.after_step(["labels"])
        # mean of all until that is a shorter memory: 1 - 1 / (t + 1) <= 0.75 up to t = 3
        share = min(1 - 1 / step, 0.75)
        expected = step if expected is None else share * expected + (1 - share) * step
        assert learner.kept.head[-1].weight.flatten()[0] == pytest.approx(expected)
    assert any(name.startswith("average.") for name in learner.state_dict())


def test_without_an_average_the_network_is_kept():
    learner = Learner(_network(), {"labels": SegmentationObjective()})
    assert learner.kept is learner.network
    assert not any(name.startswith("average.") for name in learner.state_dict())
