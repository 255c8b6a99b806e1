"""Mean teachers against the papers' equations, in loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from gemini_monai.objectives import Learner
from gemini_monai.study.methods import MeanTeacher, UncertaintyAwareMeanTeacher
from gemini_monai.study.methods.teacher import Teacher


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


def test_only_sure_voxels_count():
    network = _network()
    objective = _bound(UncertaintyAwareMeanTeacher(noise=0.0), network)
    image = 3 * torch.rand(2, 1, 6, 6).double()
    progress = 0.5
    found = objective(network, {"unlabeled": image}, progress=progress)["consistency"]
    p, q = (own(image).softmax(1) for own in (network, objective.teacher))
    limit = (0.75 + 0.25 * math.exp(-5 * 0.25)) * math.log(3)
    chosen = []
    for b in range(2):
        for x in range(6):
            for y in range(6):
                entropy = -sum(float(v) * math.log(float(v)) for v in q[b, :, x, y])
                if entropy < limit:
                    chosen.append(float(((p - q)[b, :, x, y] ** 2).mean()))
    assert 0 < len(chosen) < 72  # some are sure, some are not
    expected = 0.1 * math.exp(-5 * 0.25) * sum(chosen) / len(chosen)
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_where_nothing_is_sure_nothing_is_learned():
    network = _network()
    objective = UncertaintyAwareMeanTeacher()
    objective.bind(network)
    nn.init.zeros_(objective.teacher.module.weight)
    nn.init.zeros_(objective.teacher.module.bias)  # all classes alike: the greatest entropy
    batch = {"unlabeled": torch.rand(1, 1, 4, 4).double()}
    assert float(objective(network, batch, progress=0.9)["consistency"]) == 0


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
