"""PC-Reg-RT: masked images and warped labels, in loops."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from gemini_monai.geometry.warp import inbounds_mask, warp
from gemini_monai.losses import SmoothnessLoss, VisualSimilarityLoss
from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner
from gemini_monai.study.methods import AtlasRegistration, PerClassRegistration, ReverseTeaching
from tests.study.methods.authors import Waves, images, labels, wave
from tests.study.methods.oracles import one_hot, soft_cross_entropy


def test_each_structure_is_to_look_alike(network, batch):
    found = PerClassRegistration(smoothness=0.5, visual=2.0)(network, batch)
    image, other, hot = batch["image"], batch["partner"][:2], one_hot(batch["label"])
    pair, seen = network.correspond(image, other), network(other).softmax(1)
    smoothness, visual = 0.0, []
    for structure in (1, 2):
        known, guessed = hot[:, structure, None] * image, seen[:, structure, None] * other
        for moving, fixed, ddf in ((known, guessed, pair.ddf_ab), (guessed, known, pair.ddf_ba)):
            visual.append(VisualSimilarityLoss()(warp(moving, ddf), fixed, inbounds_mask(ddf)))
    for ddf in (pair.ddf_ab, pair.ddf_ba):
        smoothness += float(SmoothnessLoss()(ddf))
    assert found.keys() == {"smoothness", "visual"}
    # the mean of each way, and the sum of both ways
    assert float(found["visual"]) == pytest.approx(2 * 2 * float(sum(visual)) / 4, rel=1e-6)
    assert float(found["smoothness"]) == pytest.approx(0.5 * smoothness, rel=1e-9)


def test_the_segmenter_is_not_trained_by_the_registration(network, batch):
    sum(PerClassRegistration()(network, batch).values()).backward()
    assert all(own.grad is None for own in network.head.parameters())
    assert any(own.grad.any() for own in network.deformer.parameters())


def test_what_lies_in_the_background_alone_does_not_count(network, batch):
    batch["label"] = torch.zeros_like(batch["label"])
    batch["label"][:, :, 4] = 1
    pair = network.correspond(batch["image"], batch["partner"][:2])
    network.correspond = lambda image, other: pair
    first = {name: float(own) for name, own in PerClassRegistration()(network, batch).items()}
    plain = float(AtlasRegistration()(network, batch)["visual"])
    batch["image"] = batch["image"].where(batch["label"] > 0, torch.rand(2, 1, 8, 10).double())
    found = {name: float(own) for name, own in PerClassRegistration()(network, batch).items()}
    assert found == pytest.approx(first, rel=1e-12)
    assert float(AtlasRegistration()(network, batch)["visual"]) != pytest.approx(plain, rel=1e-6)


def _fields():
    """Of up to two voxels, for two images of 12 by 12."""
    return 4 * wave(2, 2, 12, 12, step=0.05) - 2, 3 * wave(2, 2, 12, 12, step=0.07) - 1


@pytest.mark.parametrize(
    ("progress", "labeled", "reverse"),
    [(0.0, 1.112629723880533, 0.0), (0.5, 1.05123891971054, 0.987978974194871)],
)
def test_teaching_has_the_values_of_the_authors_code(monkeypatch, progress, labeled, reverse):
    """``loss_anchor`` and half of both ``loss_w`` of their two stages, at the docstring's commit.

    Warped by our ``warp``, as theirs moves corners.
    """
    network, fields = Waves(), _fields()
    pair = SimpleNamespace(ddf_ab=fields[0], ddf_ba=fields[1])
    monkeypatch.setattr(network, "correspond", lambda image, other: pair, raising=False)
    batch = {
        "image": images(2, 12, 12, step=0.11),
        "label": labels(2, 12, 12, step=0.13),
        "partner": images(2, 12, 12, step=0.17),
    }
    found = ReverseTeaching(weight=3.0)(network, batch, progress=progress)
    assert found["warped_labeled"].item() == pytest.approx(3 * labeled, rel=1e-12)
    assert found["reverse_teaching"].item() == pytest.approx(3 * reverse, rel=1e-12)


def test_a_warped_label_teaches_by_its_shares_on_both_images(network, batch):
    found = ReverseTeaching(weight=3.0, reverse=0.25)(network, batch)
    image, other, hot = batch["image"], batch["partner"][:2], one_hot(batch["label"])
    pair = network.correspond(image, other)
    moved = warp(hot, pair.ddf_ab)
    assert float(moved.sum(1).min()) < 0.5  # some partners lie outside
    # the mean over three classes, too; that p is p + 1e-6 is below the sixth digit
    known = soft_cross_entropy(network(warp(image, pair.ddf_ab)), moved) / 3
    there = soft_cross_entropy(network(other), moved) / 3
    back = soft_cross_entropy(network(warp(other, pair.ddf_ba)), hot) / 3
    assert found["warped_labeled"].item() == pytest.approx(3 * known, rel=1e-4)
    assert found["reverse_teaching"].item() == pytest.approx(0.75 * (there + back), rel=1e-4)


@pytest.mark.parametrize("progress", [0.0, 1.0])
def test_teaching_trains_the_segmenter_and_not_the_field(network, batch, progress):
    sum(ReverseTeaching()(network, batch, progress=progress).values()).backward()
    assert all(own.grad is None for own in network.deformer.parameters())
    assert all(own.grad is not None for own in network.head.parameters())


def test_both_parts_train_in_3d():
    network = Gemini(3, 1, 3, channels=(4, 8))
    learner = Learner(network, {"registration": PerClassRegistration(), "rt": ReverseTeaching()})
    batch = {name: torch.rand(2, 1, 8, 8, 8) for name in learner.reads}
    batch["label"] = torch.randint(3, (2, 1, 8, 8, 8))
    sum(learner(["registration", "rt"], batch).values()).backward()
    assert all(own.grad is not None and own.grad.any() for own in learner.trainable())
