"""CPS against the paper's equation, in loops."""

from __future__ import annotations

import pytest
import torch

from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner, SegmentationObjective
from gemini_monai.study.methods import CrossPseudoSupervision


@pytest.fixture
def network():
    return Gemini(2, 1, 3, channels=(4, 8)).double()


def _batch():
    label = torch.randint(3, (2, 1, 8, 8))
    image, unlabeled = torch.rand(2, 1, 8, 8).double(), torch.rand(3, 1, 8, 8).double()
    return {"image": image, "label": label, "unlabeled": unlabeled}


def test_each_learns_the_label_map_of_the_other(network):
    objective = CrossPseudoSupervision(weight=1.5, supervised=10.0)
    objective.bind(network)
    batch = _batch()
    found = objective(network, batch)
    image = torch.cat([batch["image"], batch["unlabeled"]])
    first, second = network(image), objective.other(image)
    total = 0.0
    for student, teacher in ((first, second), (second, first)):
        voxels = 0.0
        for b in range(5):
            for x in range(8):
                for y in range(8):
                    wanted = int(teacher[b, :, x, y].argmax())
                    voxels -= float(student[b, :, x, y].log_softmax(0)[wanted])
        total += voxels / (5 * 64)
    assert float(found["cross_pseudo"]) == pytest.approx(1.5 * total, rel=1e-9)
    own = SegmentationObjective(weight=10.0)(objective.other, batch)
    assert float(found["second_dice"]) == pytest.approx(float(own["dice"]))


def test_the_second_network_starts_from_other_weights(network):
    objective = CrossPseudoSupervision()
    objective.bind(network)
    pairs = zip(network.state_dict().items(), objective.other.state_dict().values(), strict=True)
    same = [name for (name, own), other in pairs if torch.equal(own, other)]
    assert not [name for name in same if "conv" in name and name.endswith("weight")]


def test_both_learn_and_their_deformers_do_not(network):
    learner = Learner(network, {"crossed": CrossPseudoSupervision()})
    terms = learner(["crossed"], _batch())
    sum(terms.values()).backward()
    reached = {name for name, p in learner.named_parameters() if p.grad is not None}
    expected = {name for name, _ in learner.named_parameters() if "deformer" not in name}
    assert reached == expected
