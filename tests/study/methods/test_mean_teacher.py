"""Mean teachers: the papers' equations in loops, UA-MT against the authors' code."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner
from gemini_monai.objectives.teacher import Teacher
from gemini_monai.study.methods import MeanTeacher, UncertaintyAwareMeanTeacher, mean_teacher
from gemini_monai.study.methods.feature_dropout import channel_dropout, perturbed_features
from tests.study.methods.authors import Waves, images


def _network(classes=3):
    return nn.Conv2d(1, classes, kernel_size=3, padding=1).double()


def _bound(objective, network):
    objective.bind(network)
    with torch.no_grad():
        for own in objective.teacher.module.parameters():
            own += torch.randn_like(own)  # a teacher that differs
    return objective


@pytest.mark.parametrize("progress", [0.0, 0.3, 1.0])
def test_mean_teacher_is_the_squared_difference_of_probabilities(progress):
    network = _network()
    objective = _bound(MeanTeacher(noise=0.0), network)
    image = torch.rand(2, 1, 5, 4).double()
    found = objective(network, {"unlabeled": image}, progress=progress)["consistency"]
    student, teacher = network(image), objective.teacher(image)
    total, count = 0.0, 0
    for b in range(2):
        for x in range(5):
            for y in range(4):
                p, q = (t[b, :, x, y].exp() / t[b, :, x, y].exp().sum() for t in (student, teacher))
                total += float(((p - q) ** 2).sum()) / 3
                count += 1
    expected = 0.1 * math.exp(-5 * (1 - progress) ** 2) * total / count
    assert float(found) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("progress", "theirs"),
    [(0.0, 2.8866865465765576e-05), (0.5, 0.0012274503535545987), (1.0, 0.004284222697163341)],
)
def test_mean_teacher_has_the_value_of_the_authors_code(progress, theirs):
    """Their ``softmax_mse_loss`` and ``sigmoid_rampup``, each voxel an example of theirs."""
    objective = MeanTeacher(noise=0.0)
    objective.bind(Waves(phase=0.4))
    batch = {"unlabeled": images(3, 12, 12, step=0.17)}
    found = objective(Waves(), batch, progress=progress)["consistency"]
    assert found.item() == pytest.approx(theirs, rel=1e-12)


@pytest.fixture
def sure(monkeypatch):
    """UA-MT of two classes on volumes, with noise that can be written down and nothing hidden."""
    monkeypatch.setattr(mean_teacher, "channel_dropout", lambda features, rate: features)
    monkeypatch.setattr(torch, "randn_like", lambda image: 3 * (7 * image).cos())
    objective = UncertaintyAwareMeanTeacher()
    objective.bind(Waves(phase=0.4, dims=3, classes=2, gain=1.0))
    return objective


@pytest.mark.parametrize(
    ("progress", "theirs"),
    [
        (0.0, 5.6008581408610956e-05),
        (0.25, 0.0004991990522095208),
        (0.5, 0.0023309386981570455),
        (1.0, 0.006636842802966224),
    ],
)
def test_only_sure_voxels_count_as_in_the_authors_code(sure, progress, theirs):
    """The lines of their training up to ``consistency_loss``, at the docstring's commit.

    Of the voxels, 46, 46, 48 and 100 % are sure.
    """
    network = Waves(dims=3, classes=2, gain=1.0)
    batch = {"unlabeled": images(2, 6, 5, 4, step=0.17)}
    found = sure(network, batch, progress=progress)["consistency"]
    assert found.item() == pytest.approx(theirs, rel=1e-12)


def test_the_limit_is_a_share_of_the_greatest_entropy_of_as_many_classes():
    objective = UncertaintyAwareMeanTeacher(dropout=0.0, noise=0.0)
    objective.bind(Waves(gain=1.0))
    image = images(2, 6, 6, step=0.3)
    found = objective(Waves(), {"unlabeled": image}, progress=0.5)["consistency"]
    p, q = Waves()(image).softmax(1), objective.teacher(image).softmax(1)
    limit = (0.75 + 0.25 * math.exp(-5 * 0.25)) * math.log(4)
    chosen = []
    for b in range(2):
        for x in range(6):
            for y in range(6):
                entropy = -sum(float(v) * math.log(float(v)) for v in q[b, :, x, y])
                if entropy < limit:
                    chosen.append(float(((p - q)[b, :, x, y] ** 2).mean()))
    assert 0 < len(chosen) < 72  # some are sure, some are not
    expected = 0.1 * math.exp(-5 * 0.25) * sum(chosen) / len(chosen)
    assert found.item() == pytest.approx(expected, rel=1e-9)


def test_where_nothing_is_sure_nothing_is_learned():
    objective = UncertaintyAwareMeanTeacher()
    objective.bind(Waves())
    nn.init.zeros_(
        objective.teacher.module.head[0].weight
    )  # all classes alike: the greatest entropy
    batch = {"unlabeled": images(1, 4, 4, step=0.3)}
    assert objective(Waves(), batch, progress=0.9)["consistency"].item() == 0


@pytest.mark.parametrize("size", [(8, 8), (8, 8, 8)])
def test_every_pass_hides_deepest_and_dense_channels(monkeypatch, size):
    hidden = []

    def seen(features, rate):
        hidden.append((features.shape[1], features.shape[2], rate, features.requires_grad))
        return channel_dropout(features, rate)

    monkeypatch.setattr(mean_teacher, "channel_dropout", seen)
    network = Gemini(len(size), 1, 3, channels=(4, 8))
    objective = UncertaintyAwareMeanTeacher(passes=2, dropout=0.25)
    objective.bind(network)
    objective(network, {"unlabeled": torch.rand(2, 1, *size)})
    assert hidden[:2] == [(8, 4, 0.25, True), (4, 8, 0.25, True)]  # the student's
    assert hidden[2:] == 3 * [(8, 4, 0.25, False), (4, 8, 0.25, False)]  # the teacher's


def test_hidden_channels_are_whole_of_each_image_and_leave_the_mean():
    torch.manual_seed(0)
    features = torch.rand(50, 40, 3, 2) + 1
    scale = channel_dropout(features, 0.25) / features
    assert torch.allclose(scale, scale[:, :, :1, :1].expand_as(scale))
    assert torch.allclose(scale[scale > 0], torch.tensor(4 / 3))
    assert float(scale.mean()) == pytest.approx(1, abs=0.03)
    assert len({tuple(own[:, 0, 0].tolist()) for own in scale}) == 50


@pytest.mark.parametrize("size", [(9, 14), (9, 6, 5)])
def test_what_is_not_changed_gives_the_features_of_the_network(size):
    network = Gemini(len(size), 1, 3, channels=(4, 8, 16))
    image = torch.rand(2, 1, *size)
    widths = []

    def change(levels):
        widths.append([level.shape[1] for level in levels])
        return levels

    assert torch.equal(perturbed_features(network, image, change), network.features(image))
    assert widths == [[4, 8, 16]]


def test_a_foreign_backbone_has_its_dense_features_changed():
    network, image = Waves(), images(2, 4, 4, step=0.3)
    found = perturbed_features(network, image, lambda levels: [2 * level for level in levels])
    assert torch.equal(found, 2 * network.features(image))


def test_the_noise_is_cut_at_twice_its_deviation():
    torch.manual_seed(0)
    noise = MeanTeacher(noise=0.1).noisy(torch.zeros(1, 1, 100, 100))
    assert float(noise.abs().max()) == pytest.approx(0.2)
    assert float(noise.std()) == pytest.approx(0.0975, abs=3e-3)  # a normal, cut


def _students(count):
    """A network, and what its weights are after each of some steps."""
    student = _network()
    return student, torch.randn(count, *student.weight.shape).double()


def _followed(teacher, student, weights):
    for own in weights:
        with torch.no_grad():
            student.weight.copy_(own)
        teacher.update_parameters(student)
    return teacher.module.weight


def test_the_teacher_is_the_mean_of_its_students_and_then_a_moving_average():
    student, weights = _students(12)
    teacher = Teacher(student, 0.75)
    expected = torch.zeros_like(student.weight)  # that of the start has no share
    for step, own in enumerate(weights):
        momentum = min(1 - 1 / (step + 1), 0.75)
        expected = momentum * expected + (1 - momentum) * own
        torch.testing.assert_close(_followed(teacher, student, own[None]), expected)
        if step < 4:
            torch.testing.assert_close(expected, weights[: step + 1].mean(dim=0))


def test_without_a_warm_up_the_momentum_is_that_of_the_first_step_too():
    student, weights = _students(3)
    before = student.weight.clone()
    teacher = Teacher(student, 0.9, warm_up=False)
    found = _followed(teacher, student, weights)
    shares = (0.1 * 0.9 ** torch.arange(3).double()).flip(0)
    expected = 0.9**3 * before + torch.einsum("s, s ... -> ...", shares, weights)
    torch.testing.assert_close(found, expected)


def test_a_teacher_goes_on_from_where_it_was_saved():
    student, weights = _students(6)
    whole, first = Teacher(student, 0.9), Teacher(student, 0.9)
    _followed(first, student, weights[:3])
    again = Teacher(student, 0.9)
    again.load_state_dict(first.state_dict())
    found = _followed(again, student, weights[3:])
    assert torch.equal(found, _followed(whole, student, weights))


def test_a_momentum_beyond_1_is_refused():
    with pytest.raises(ValueError, match="momentum must be from 0 to 1, got 2"):
        Teacher(_network(), 2)


def test_no_gradient_reaches_the_teacher_and_the_optimizer_does_not_have_it():
    network = _network()
    learner = Learner(network, {"consistency": MeanTeacher()})
    assert {id(p) for p in learner.trainable()} == {id(p) for p in network.parameters()}
    learner(["consistency"], {"unlabeled": torch.rand(1, 1, 4, 4).double()})[
        "consistency"
    ].backward()
    assert all(p.grad is None for p in learner.objectives["consistency"].parameters())
    assert all(p.grad is not None for p in network.parameters())
