"""AD-MT against the authors' code, and whose turn it is."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from gemini_monai.objectives import Learner
from gemini_monai.study.methods import AlternateTeachers
from gemini_monai.study.methods.boxes import cut_mixed
from tests.study.methods.authors import Waves, images


@pytest.fixture
def objective(monkeypatch):
    """With two teachers that are not the network, and changes that can be written down."""
    objective = AlternateTeachers(weight=2.0, threshold=0.7)
    objective.teachers = nn.ModuleList([Waves(phase=0.4), Waves(phase=0.8, gain=2.0)])
    inside = torch.zeros(3, 1, 12, 12, dtype=torch.bool)
    inside[..., 1:6, 2:9] = True
    monkeypatch.setattr(objective, "view", lambda image: image**2)
    monkeypatch.setattr(objective, "box", lambda image: inside)
    return objective


@pytest.fixture
def batch():
    return {"unlabeled": images(3, 12, 12, step=0.17)}


def test_the_first_teachers_turn_has_the_value_of_the_authors_code(objective, batch):
    """Their ``loss_ulb`` of an odd turn, at the docstring's commit.

    Of the voxels, 50 % are sure, 33 % are disputed, and the network is surer in 13 %.
    """
    found = objective(Waves(), batch, progress=0.25)["taught"]
    assert found.item() == pytest.approx(2 * 0.7978142193149373, rel=1e-12)


def test_the_second_teachers_turn_too_but_for_the_label_map_that_they_do_not_mix(
    objective, batch, monkeypatch
):
    objective.turn[0] = 1
    network, image = Waves(), batch["unlabeled"]
    forward = network.forward
    mixed = objective(network, batch, progress=0.25)["taught"].item()
    # the network first sees in the box what mixing brings back to where it was
    unmixed = torch.where(objective.box(image), image.roll(1, dims=0), image)
    shown = iter([unmixed, cut_mixed(image, objective.box(image))])
    monkeypatch.setattr(network, "forward", lambda asked: forward(next(shown)))
    found = objective(network, batch, progress=0.25)["taught"].item()
    assert found == pytest.approx(2 * 0.3733500261074431, rel=1e-12)
    assert mixed != pytest.approx(found, rel=1e-3)


@pytest.mark.parametrize("progress", [0.0, 0.1, 0.25, 0.7])
def test_the_weight_rises_in_a_quarter_of_training(objective, batch, progress):
    found = objective(Waves(), batch, progress=progress)["taught"].item()
    share = math.exp(-5 * (1 - min(1.0, 4 * progress)) ** 2)
    assert found == pytest.approx(share * 2 * 0.7978142193149373, rel=1e-9)


def test_a_teacher_is_the_network_for_fifty_steps_and_then_a_mean(monkeypatch):
    network = nn.Conv2d(1, 2, 1)
    objective = AlternateTeachers(momentum=0.8)
    objective.bind(network)
    monkeypatch.setattr(objective, "length", lambda turn: 10**6)  # the first one's turn
    average = objective.teachers[0].module
    expected = 0.0
    for step in range(60):
        with torch.no_grad():
            network.weight.fill_(float(step**2))
        objective.after_step(network)
        # their ``update_ema_variables``, whose rise takes 50 steps
        stays = 0.0 if step < 50 else min(1 - 1 / (step - 50 + 1), 0.8)
        expected = stays * expected + (1 - stays) * step**2
        assert average.weight.flatten()[0].item() == pytest.approx(expected, rel=1e-6)


def test_teachers_follow_in_turns_of_up_to_the_longest():
    network = nn.Conv2d(1, 2, 1)
    objective = AlternateTeachers(momentum=0.5, longest=25)
    objective.bind(network)
    first, second = (own.module for own in objective.teachers)
    lengths, turn = [], 0
    for step in range(400):
        with torch.no_grad():
            network.weight.fill_(step + 1.0)
        before = [own.weight.clone() for own in (first, second)]
        objective.after_step(network)
        moved = [
            not torch.equal(own.weight, old)
            for own, old in zip((first, second), before, strict=True)
        ]
        assert sum(moved) == 1
        if moved[1] != turn % 2:
            turn += 1
            lengths.append(0)
        elif not lengths:
            lengths.append(0)
        lengths[-1] += 1
    assert all(1 <= length <= 25 for length in lengths)
    assert len(set(lengths)) > 5


def test_a_turn_goes_on_where_it_was():
    network = nn.Conv2d(1, 2, 1)
    objective, other = AlternateTeachers(), AlternateTeachers()
    objective.bind(network)
    other.bind(network)
    for _ in range(60):
        objective.after_step(network)
    assert int(objective.turn[0]) > 0
    other.load_state_dict(objective.state_dict())
    assert torch.equal(other.turn, objective.turn)


@pytest.mark.parametrize("size", [(24, 16), (16, 12, 10)])
def test_a_box_is_about_a_place_of_each_images_own(size):
    torch.manual_seed(0)
    shares = []
    for _ in range(50):
        inside = AlternateTeachers().box(torch.rand(3, 1, *size))
        assert inside.shape == (3, 1, *size)
        shares += inside.flatten(1).double().mean(dim=1).tolist()
    assert len(set(shares)) > 30
    assert 0 < max(shares) < 0.95  # the side's share is below one, and cut at the border


def test_no_gradient_reaches_the_teachers(batch):
    network = Waves()
    learner = Learner(network, {"ad_mt": AlternateTeachers(threshold=0.0)})
    assert {id(own) for own in learner.trainable()} == {id(own) for own in network.parameters()}
    learner(["ad_mt"], batch)["taught"].backward()
    assert all(own.grad is not None for own in network.parameters())
    assert all(own.grad is None for own in learner.objectives["ad_mt"].parameters())
