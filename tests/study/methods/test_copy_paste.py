"""BCP: its two stages, what the network sees in each, and whose parts count."""

from __future__ import annotations

import math

import pytest
import torch

from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner
from gemini_monai.study.methods import BidirectionalCopyPaste
from tests.study.methods.authors import Waves, images, labels


@pytest.fixture
def objective(monkeypatch):
    """With a box that stays, and an average that is not the network."""
    objective = BidirectionalCopyPaste(weight=1.0)
    objective.bind(Waves(phase=0.4))
    inside = torch.zeros(2, 1, 12, 12, dtype=torch.bool)
    inside[..., 2:10, 3:11] = True
    monkeypatch.setattr(objective, "box", lambda image: inside)
    return objective


@pytest.fixture
def batch():
    return {
        "image": images(4, 12, 12, step=0.11),
        "label": labels(4, 12, 12, step=0.13),
        "unlabeled": images(4, 12, 12, step=0.17),
    }


@pytest.mark.parametrize(
    ("progress", "theirs"), [(0.0, 4.8264093669702595), (0.25, 7.325613854857141)]
)
def test_both_stages_have_the_value_of_the_authors_code(objective, batch, progress, theirs):
    """``mix_loss`` and ``get_ACDC_masks`` of their training, at the docstring's commit."""
    found = objective(Waves(), batch, progress=progress)["copy_paste"]
    assert found.item() == pytest.approx(theirs, rel=1e-12)


class Seen(Waves):
    """Keeps what it is shown."""

    def forward(self, image):
        self.shown = image
        return super().forward(image)


def test_each_half_is_pasted_into_the_other_kind(objective, batch):
    network, inside = Seen(), objective.box(None)
    image, other = batch["image"], batch["unlabeled"]
    objective(network, batch, progress=0.1)
    assert torch.equal(network.shown, torch.where(inside, image[2:], image[:2]))
    objective(network, batch, progress=0.9)
    first = torch.where(inside, image[:2], other[:2])
    assert torch.equal(network.shown, torch.cat([first, torch.where(inside, other[2:], image[2:])]))


def test_the_first_stage_knows_of_labeled_images_alone(objective, batch):
    alone = {name: batch[name] for name in ("image", "label")}
    first = objective(Waves(), alone, progress=0.1)["copy_paste"]
    batch["unlabeled"] = torch.full_like(batch["unlabeled"], torch.nan)
    assert torch.equal(objective(Waves(), batch, progress=0.1)["copy_paste"], first)


@pytest.mark.parametrize("count", [1, 3])
def test_an_odd_image_is_in_both_halves(objective, batch, count):
    network = Seen()
    objective.box = lambda image: torch.zeros_like(image[:, :1], dtype=torch.bool)
    few = {name: own[:count] for name, own in batch.items()}
    objective(network, few, progress=0.1)
    assert torch.equal(network.shown, batch["image"][: (count + 1) // 2])
    objective(network, few, progress=0.9)
    half = slice(count // 2, count)
    shown = [batch["unlabeled"][: (count + 1) // 2], batch["image"][half]]
    assert torch.equal(network.shown, torch.cat(shown))


def test_the_average_is_the_network_until_the_second_stage():
    network = Waves()
    objective = BidirectionalCopyPaste(first=0.5, momentum=0.9)
    objective.bind(network)
    average = objective.teacher.module
    for gain, progress, expected in ((5.0, 0.4, 5.0), (6.0, 0.5, 5.1), (6.0, 0.9, 5.19)):
        with torch.no_grad():
            network.gain.fill_(gain)
        objective.after_step(network, progress=progress)
        assert float(average.gain) == pytest.approx(expected)


@pytest.mark.parametrize("size", [(9, 6), (6, 9, 3)])
def test_the_box_is_two_thirds_a_side_and_moves(size):
    objective = BidirectionalCopyPaste()
    boxes = [objective.box(torch.rand(1, 2, *size)) for _ in range(8)]
    assert {int(own.sum()) for own in boxes} == {math.prod(2 * side // 3 for side in size)}
    assert len({tuple(own.flatten().tolist()) for own in boxes}) > 1


@pytest.mark.parametrize("size", [(8, 8), (8, 8, 8)])
def test_the_copied_average_is_not_trained(size):
    network = Gemini(len(size), 1, 3, channels=(4, 8))
    learner = Learner(network, {"bcp": BidirectionalCopyPaste()})
    batch = {"image": torch.rand(3, 1, *size), "label": torch.randint(3, (3, 1, *size))}
    learner(["bcp"], batch | {"unlabeled": torch.rand(2, 1, *size)})["copy_paste"].backward()
    assert not any("teacher" in n for n, p in learner.named_parameters() if p.requires_grad)
    assert all(p.grad is not None for p in network.backbone.parameters())
