"""Methods of one vector an image, against the papers' equations in loops."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from monai.networks.nets import BasicUNet

from gemini_monai.base.errors import InputError
from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner
from gemini_monai.study.methods import (
    BYOL,
    DenseCL,
    MomentumContrast,
    RotationPrediction,
    SimCLR,
    SimSiam,
    VADeR,
)
from gemini_monai.study.methods.embedding import image_embedding

METHODS = {"simclr": SimCLR, "simsiam": SimSiam, "byol": BYOL, "moco": MomentumContrast}
METHODS |= {"rotation": RotationPrediction}
TAUGHT = {"moco": MomentumContrast, "vader": VADeR, "densecl": DenseCL}


@pytest.fixture
def network():
    return Gemini(2, 1, 1, channels=(4, 8)).double()


def _batch(count=3):
    a, b = torch.rand(2, count, 1, 8, 8).double()
    return {"view_a": a, "view_b": b, "unlabeled": a}


def _bound(objective, network):
    objective.bind(network)
    return objective.double()


def test_an_embedding_is_the_mean_of_the_deepest_features(network):
    image = torch.rand(2, 1, 8, 8).double()
    deepest = network.backbone.levels(image)[-1]
    torch.testing.assert_close(image_embedding(network, image), deepest.mean(dim=(2, 3)))


def test_simclr_tells_views_from_all_others(network):
    objective = _bound(SimCLR(temperature=0.2, projection=5), network)
    batch = _batch()
    z = objective.projector(image_embedding(network, torch.cat([batch["view_a"], batch["view_b"]])))
    total = 0.0
    for i in range(6):

        def score(j, i=i):
            return math.exp(float(F.cosine_similarity(z[i], z[j], dim=0)) / 0.2)

        total -= math.log(score((i + 3) % 6) / sum(score(j) for j in range(6) if j != i))
    found = objective(network, batch)["instance_contrast"]
    assert float(found) == pytest.approx(total / 6, rel=1e-6)


def test_simclrs_projection_of_an_image_is_its_own(network):
    """No statistics of the few images of a batch are in it."""
    objective = _bound(SimCLR(), network)
    embedded = image_embedding(network, _batch(4)["view_a"])
    alone = torch.cat([objective.projector(own[None]) for own in embedded])
    torch.testing.assert_close(objective.projector(embedded), alone)


def test_simsiam_predicts_each_view_from_the_other(network):
    objective = _bound(SimSiam(projection=6, hidden=4), network)
    batch = _batch()
    both = torch.cat([batch["view_a"], batch["view_b"]])  # normalized together
    z = objective.projector(image_embedding(network, both))
    (z1, z2), (p1, p2) = z.chunk(2), objective.predictor(z).chunk(2)
    cosines = [
        float(F.cosine_similarity(p[i], z[i], dim=0))
        for p, z in ((p1, z2), (p2, z1))
        for i in range(3)
    ]
    found = objective(network, batch)["similarity"]
    assert float(found) == pytest.approx(-sum(cosines) / 6, rel=1e-9)


def test_byol_predicts_what_the_average_makes_of_the_other_view(network):
    objective = _bound(BYOL(hidden=6, projection=5), network)
    with torch.no_grad():
        for own in objective.teacher.parameters():
            own += 0.1 * torch.randn_like(own)
    batch = _batch()
    teacher, projector = objective.teacher.module.children()
    both = torch.cat([batch["view_a"], batch["view_b"]])  # normalized together
    q = objective.predictor(objective.projector(image_embedding(network, both)))
    target = projector(image_embedding(teacher, both))
    pairs = [(i, (i + 3) % 6) for i in range(6)]
    total = sum(2 - 2 * float(F.cosine_similarity(q[i], target[j], dim=0)) for i, j in pairs) / 3
    found = objective(network, batch)["prediction"]
    assert float(found) == pytest.approx(total, rel=1e-9)


def test_byols_average_stands_still_at_the_end(network):
    objective = _bound(BYOL(momentum=0.9), network)
    for progress, momentum in ((0.0, 0.9), (0.5, 0.95), (1.0, 1.0)):
        objective.after_step(network, progress=progress)
        assert objective.teacher.momentum == pytest.approx(momentum)


@pytest.mark.parametrize("name", ["moco", "vader", "densecl"])
def test_nothing_of_the_initial_weights_is_left_in_the_average(network, name):
    objective = _bound(TAUGHT[name](), network)
    queries = []
    for _ in range(5):
        with torch.no_grad():
            for own in network.parameters():
                own.copy_(torch.randn_like(own))
        queries.append(next(iter(network.parameters())).clone())
        objective.after_step(network)
    average = next(iter(objective.averages()[0].parameters()))
    torch.testing.assert_close(average, torch.stack(queries).mean(dim=0))


def test_moco_tells_the_key_from_the_queue_which_moves_on(network):
    objective = _bound(MomentumContrast(queue=7, projection=5), network)
    batch = _batch()
    before = objective.queue.keys.clone()
    found = objective(network, batch)["queue_contrast"]
    teacher, projector = objective.teacher.module.children()
    q = F.normalize(objective.projector(image_embedding(network, batch["view_a"])), dim=1)
    k = F.normalize(projector(image_embedding(teacher, batch["view_b"])), dim=1)
    total = 0.0
    for i in range(3):
        own = math.exp(float(q[i] @ k[i]) / 0.2)
        total -= math.log(own / (own + sum(math.exp(float(q[i] @ old) / 0.2) for old in before)))
    assert float(found) == pytest.approx(total / 3, rel=1e-9)
    objective.after_step(network)
    torch.testing.assert_close(objective.queue.keys, torch.cat([k, before[:4]]))


def test_moco_with_another_queue_is_another_loss(network):
    objective = _bound(MomentumContrast(queue=7, projection=5), network)
    batch = _batch()
    first = float(objective(network, batch)["queue_contrast"])
    objective.queue.keys.copy_(F.normalize(torch.randn_like(objective.queue.keys), dim=1))
    assert float(objective(network, batch)["queue_contrast"]) != first


@pytest.mark.parametrize(("dims", "classes"), [(2, 4), (3, 10)])
def test_rotations_are_all_different_and_the_first_is_none(dims, classes):
    objective = RotationPrediction()
    objective.bind(Gemini(dims, 1, 1, channels=(4, 8)))
    image = torch.arange(4**dims).reshape(1, *[4] * dims).float()
    turned = [objective.turned(image, k) for k in range(classes)]
    assert len(objective.turns) == classes == objective.classifier.out_features
    assert torch.equal(turned[0], image)
    assert len({tuple(own.flatten().tolist()) for own in turned}) == classes


def test_rotation_knows_which_it_was(network):
    objective = _bound(RotationPrediction(), network)
    torch.manual_seed(1)
    found = objective(network, {"unlabeled": torch.rand(3, 1, 8, 12).double()})["rotation"]
    assert found.isfinite()
    torch.nn.init.zeros_(objective.classifier.weight)
    torch.nn.init.zeros_(objective.classifier.bias)
    blind = objective(network, {"unlabeled": torch.rand(3, 1, 8, 12).double()})["rotation"]
    assert float(blind) == pytest.approx(math.log(4))


@pytest.mark.parametrize("name", METHODS)
def test_the_encoder_and_what_the_method_owns_learn_and_nothing_else(network, name):
    learner = Learner(network, {name: METHODS[name]()}).double()
    next(iter(learner([name], _batch()).values())).backward()
    reached = {n for n, p in learner.named_parameters() if p.grad is not None and p.requires_grad}
    trainable = {n for n, p in learner.named_parameters() if p.requires_grad}
    rest = ("network.backbone.decoder.", "network.deformer.", "network.head.")
    assert reached == {n for n in trainable if not n.startswith(rest)}
    assert not any("teacher" in n for n in trainable)


@pytest.mark.parametrize("name", ["simclr", "simsiam", "byol"])
def test_one_image_is_too_few(network, name):
    objective = _bound(METHODS[name](), network)
    with pytest.raises(InputError, match="needs 2 or more images an iteration, got 1"):
        objective(network, _batch(1))


def test_a_backbone_without_a_deepest_level_is_named():
    backbone = BasicUNet(2, 1, 4, features=(4, 4, 4, 4, 4, 4))
    network = Gemini(2, 1, 1, backbone=backbone, feature_channels=4)
    with pytest.raises(InputError, match=r"BasicUNet has no encode\(image\)"):
        Learner(network, {"simclr": SimCLR()})
