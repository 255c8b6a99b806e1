"""LT-Net: what goes there and back again, in loops."""

from __future__ import annotations

import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.warp import warp
from gemini_monai.study.methods import AtlasRegistration, CycleRegistration
from tests.study.methods.oracles import dice_loss, one_hot, there_and_back


def test_cycles_are_of_the_image_the_field_and_the_label(network, batch):
    found = CycleRegistration(image=2.0, transformation=0.5, anatomy=3.0)(network, batch)
    image, hot = batch["image"], one_hot(batch["label"])
    pair = network.correspond(image, batch["partner"][:2])
    again = warp(warp(image, pair.ddf_ab), pair.ddf_ba)
    differences = [
        abs(float(again[b, 0, x, y]) - float(image[b, 0, x, y]))
        for b in range(2)
        for x in range(8)
        for y in range(10)
    ]
    length = there_and_back(pair.ddf_ab, pair.ddf_ba)
    dice = dice_loss(warp(warp(hot, pair.ddf_ab), pair.ddf_ba), hot)
    wanted = {
        "image_cycle": 2 * sum(differences) / len(differences),
        "transformation_cycle": 0.5 * length,
        "anatomy_cycle": 3 * dice,
    }
    assert {name: float(found.pop(name)) for name in wanted} == pytest.approx(wanted, rel=1e-6)
    plain = AtlasRegistration()(network, batch)
    assert found.keys() == plain.keys()
    assert all(torch.equal(found[name], plain[name]) for name in plain)


def _moved(monkeypatch, network, there, back):
    fields = torch.zeros(2, 2, 2, 8, 10).double()
    fields[0, :, 1], fields[1, :, 1] = there, back
    known = network.correspond(*torch.rand(2, 2, 1, 8, 10).double())
    pair = known._replace(ddf_ab=fields[0], ddf_ba=fields[1])
    monkeypatch.setattr(network, "correspond", lambda image, other: pair)


@pytest.mark.parametrize(("there", "back", "squares"), [(2, -2, 8), (2, 0, 40), (2, 2, 136)])
def test_a_way_back_that_is_the_inverse_costs_nothing(
    network, batch, monkeypatch, there, back, squares
):
    """But at the two columns from which it leaves the grid, where the other field is 0."""
    batch["image"][..., :4], batch["image"][..., 6:] = 0, 0
    _moved(monkeypatch, network, there, back)
    found = CycleRegistration(transformation=1.0)(network, batch)
    assert (float(found["image_cycle"]) < 1e-9) == (there == -back)
    assert float(found["transformation_cycle"]) == pytest.approx(squares / 10)


def test_cycles_train_the_field_and_no_segmenter(network, batch):
    cycles = CycleRegistration(smoothness=0.0, visual=0.0)(network, batch)
    for name in ("image_cycle", "transformation_cycle", "anatomy_cycle"):
        network.zero_grad(set_to_none=True)
        cycles[name].backward(retain_graph=True)
        assert any(own.grad.any() for own in network.deformer.parameters()), name
        assert all(own.grad is None for own in network.head.parameters())


def test_structures_that_overlap_are_refused(network, batch):
    batch["label"] = torch.zeros(2, 3, 8, 10)
    with pytest.raises(InputError, match="label: 3 channels, of structures that may overlap"):
        CycleRegistration()(network, batch)
