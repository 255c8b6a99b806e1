"""DeepRS: images on their way, the discriminator and the labels that it believes, in loops."""

from __future__ import annotations

import math

import pytest
import torch

from gemini_monai.geometry.warp import warp
from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner
from gemini_monai.study.methods import PartialWayTeaching
from tests.study.methods.oracles import dice_loss, one_hot, soft_cross_entropy


@pytest.fixture
def objective(network):
    objective = PartialWayTeaching(weight=3.0, confident=2.0)
    objective.bind(network)
    return objective.double()


def test_the_terms_are_those_of_the_loops(objective, network, batch, monkeypatch):
    share = torch.tensor([0.25, 0.75]).double().reshape(2, 1, 1, 1)
    monkeypatch.setattr(objective, "drawn", lambda image: share)
    monkeypatch.setattr(objective, "changed", lambda image: image**2)
    found = objective(network, batch)
    image, hot, other = batch["image"], one_hot(batch["label"]), batch["partner"][:2]
    ddf = network.correspond(image, other).ddf_ab
    output = network(warp(image, share * ddf)).softmax(1)
    belief = objective.discriminator(other, warp(image, ddf)).sigmoid()
    aligned = objective.discriminator(other, other**2).sigmoid()
    crossed = [-math.log(float(p)) for p in aligned.flatten()]
    crossed += [-math.log(1 - float(p)) for p in belief.flatten()]
    wanted = {
        "partial_way": 3 * dice_loss(output, warp(hot, share * ddf)),
        "confident_teaching": 2 * soft_cross_entropy(network(other), warp(hot, ddf), belief),
        "discriminator": sum(crossed) / belief.numel(),
    }
    assert {name: float(own) for name, own in found.items()} == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(("bias", "share"), [(-40.0, 0.0), (0.0, 0.5), (40.0, 1.0)])
def test_labels_count_as_far_as_they_are_believed(objective, network, batch, bias, share):
    with torch.no_grad():
        objective.discriminator.last.weight.zero_()
        objective.discriminator.last.bias.fill_(bias)
    found = objective(network, batch)["confident_teaching"]
    other = batch["partner"][:2]
    wanted = warp(one_hot(batch["label"]), network.correspond(batch["image"], other).ddf_ab)
    expected = 2 * share * soft_cross_entropy(network(other), wanted)
    assert float(found) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_each_term_trains_its_own_and_none_the_field(objective, network, batch):
    found = objective(network, batch)
    for term, trained, still in (
        ("partial_way", network.head, objective.discriminator),
        ("confident_teaching", network.head, objective.discriminator),
        ("discriminator", objective.discriminator, network),
    ):
        for own in (network, objective):
            own.zero_grad(set_to_none=True)
        found[term].backward(retain_graph=True)
        assert all(own.grad is not None for own in trained.parameters()), term
        assert all(own.grad is None for own in still.parameters()), term
        assert all(own.grad is None for own in network.deformer.parameters()), term


def test_each_image_goes_a_share_of_its_own(objective):
    shares = objective.drawn(torch.rand(2000, 1, 1, 1)).flatten()
    assert len(shares.unique()) > 1900
    assert 0 <= float(shares.min()) < 0.01
    assert 0.99 < float(shares.max()) <= 1


def test_an_aligned_pair_differs_in_intensity_alone(objective):
    image = torch.rand(2, 1, 12, 12).double()
    changed = objective.changed(image)
    for own, other in zip(image, changed, strict=True):
        assert not torch.allclose(own, other)
        assert float(torch.corrcoef(torch.stack([own.flatten(), other.flatten()]))[0, 1]) > 0.95


def test_a_discriminator_learns_what_is_aligned(network):
    torch.manual_seed(0)
    objective = PartialWayTeaching()
    objective.bind(network.float())
    optimizer = torch.optim.Adam(objective.discriminator.parameters(), lr=1e-3)
    losses = []
    for _ in range(40):
        image, other = torch.rand(2, 4, 1, 16, 16)
        batch = {"image": image, "label": torch.zeros(4, 1, 16, 16), "partner": other}
        losses.append(objective(network, batch)["discriminator"])
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
        losses[-1] = losses[-1].detach()
    assert float(sum(losses[-5:])) / 5 < 1.0  # 2 ln 2 when nothing is known


def test_it_trains_in_3d_on_two_channels():
    network = Gemini(3, 2, 3, channels=(4, 8))
    learner = Learner(network, {"teaching": PartialWayTeaching(in_channels=2)})
    batch = {name: torch.rand(1, 2, 8, 8, 8) for name in learner.reads}
    batch["label"] = torch.randint(3, (1, 1, 8, 8, 8))
    sum(learner(["teaching"], batch).values()).backward()
    owned = learner.objectives["teaching"].parameters()
    assert all(own.grad is not None for own in owned)
