"""Work counted against formulas, and against the paper's table 9; what is kept; what is timed."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gemini_monai.engines import ObjectiveTrainer
from gemini_monai.engines.cost import (
    count_work,
    cropped,
    doubled,
    peak_memory,
    seconds_an_iteration,
)
from gemini_monai.networks import Gemini
from gemini_monai.objectives import (
    HomeomorphismObjective,
    Learner,
    Objective,
    SegmentationObjective,
)


class _Square(Objective):
    """Mean square of one convolution's output."""

    reads = ("image",)

    def forward(self, network, batch, *, progress=1.0):
        return {"square": network(batch["image"]).square().mean()}


class _Nothing(Objective):
    reads = ()

    def forward(self, network, batch, *, progress=1.0):
        return {}


@pytest.fixture
def convolution():
    return Learner(nn.Conv2d(2, 3, 3, padding=1), {"square": _Square(), "nothing": _Nothing()})


def test_a_convolution_costs_what_it_multiplies(convolution):
    batch = {"image": torch.rand(5, 2, 6, 7)}
    there = 5 * 6 * 7 * 3 * (2 * 9)
    work = count_work(convolution, "square", batch)
    assert work.multiply_adds == 2 * there  # no gradient of the image is asked for
    assert work.kept == 4 * 5 * 6 * 7 * (2 + 3)  # the image, and what is squared
    assert count_work(convolution, "nothing", batch).multiply_adds == 0


def test_work_is_that_of_the_papers_table_9():
    """In G multiply-adds at 304 x 304: what it calls FLOPs."""
    with torch.device("meta"):
        network, image = Gemini(2, 1, 1), torch.empty(1, 1, 304, 304)

    def giga(function, *given):
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            function(*given)
        return counter.get_total_flops() / 2e9

    assert giga(network.backbone.encode, image) == pytest.approx(5.99, abs=0.005)  # rotation
    assert giga(network.backbone, image) == pytest.approx(19.62, abs=0.005)
    assert giga(network, image) == pytest.approx(20.15, rel=0.006)  # downstream
    assert giga(network.correspond, image, image) == pytest.approx(52.59, rel=0.001)  # GEMINI


def test_twice_the_images_are_twice_the_work_and_the_memory():
    learner = Learner(
        Gemini(2, 1, 3, channels=(4, 8)),
        {"pairs": HomeomorphismObjective(), "labels": SegmentationObjective()},
    )
    batch = {"image_a": torch.rand(2, 1, 16, 16), "image": torch.rand(1, 1, 16, 16)}
    batch["label"] = torch.ones(1, 1, 16, 16)
    for name in learner.objectives:
        one, two = (count_work(learner, name, own) for own in (batch, doubled(batch)))
        assert two.multiply_adds == 2 * one.multiply_adds
        assert two.kept == pytest.approx(2 * one.kept, rel=0.02)
        small = count_work(learner, name, cropped(batch, axes=2))
        assert 4 * small.multiply_adds == one.multiply_adds


def test_only_axes_of_space_are_cropped():
    batch = {"a": torch.rand(2, 9, 20, 10), "weights": torch.rand(3), "b": torch.rand(2, 1, 5, 40)}
    shapes = {name: tuple(own.shape) for name, own in cropped(batch, axes=2).items()}
    assert shapes == {"a": (2, 9, 10, 8), "weights": (3,), "b": (2, 1, 5, 20)}


def test_the_first_iteration_is_not_timed(convolution):
    loader = [{"image": torch.rand(1, 2, 4, 4)}] * 4
    optimizer = torch.optim.SGD(convolution.parameters(), 0.1)
    trainer = ObjectiveTrainer(
        device="cpu",
        max_epochs=1,
        train_data_loader=loader,
        learner=convolution,
        optimizer=optimizer,
    )
    seconds = seconds_an_iteration(trainer)
    assert len(seconds) == 3
    assert min(seconds) > 0


def test_the_peak_of_memory_does_not_fall():
    before = peak_memory("cpu")
    held = torch.ones(64, 1024, 1024)
    del held
    after = peak_memory("cpu")
    assert after >= before > 2**20
