"""PC-Reg-RT: masked images and warped labels, in loops."""

from __future__ import annotations

import pytest
import torch

from gemini_monai.geometry.warp import inbounds_mask, warp
from gemini_monai.losses import SmoothnessLoss, VisualSimilarityLoss
from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner
from gemini_monai.study.methods import AtlasRegistration, PerClassRegistration, ReverseTeaching
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


def test_a_warped_label_teaches_the_segmenter_by_its_shares(network, batch):
    found = ReverseTeaching(weight=3.0)(network, batch)["reverse_teaching"]
    other = batch["partner"][:2]
    wanted = warp(one_hot(batch["label"]), network.correspond(batch["image"], other).ddf_ab)
    assert float(wanted.sum(1).min()) < 0.5  # some partners lie outside
    expected = 3 * soft_cross_entropy(network(other), wanted)
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_teaching_trains_the_segmenter_and_not_the_field(network, batch):
    ReverseTeaching()(network, batch)["reverse_teaching"].backward()
    assert all(own.grad is None for own in network.deformer.parameters())
    assert all(own.grad is not None for own in network.head.parameters())


def test_both_parts_train_in_3d():
    network = Gemini(3, 1, 3, channels=(4, 8))
    learner = Learner(network, {"registration": PerClassRegistration(), "rt": ReverseTeaching()})
    batch = {name: torch.rand(2, 1, 8, 8, 8) for name in learner.reads}
    batch["label"] = torch.randint(3, (2, 1, 8, 8, 8))
    sum(learner(["registration", "rt"], batch).values()).backward()
    assert all(own.grad is not None and own.grad.any() for own in learner.trainable())
