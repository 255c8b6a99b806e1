"""Bytes of tensors, against sizes known beforehand."""

from __future__ import annotations

import torch

from benchmarks.live_tensors import LiveTensors, held_by
from benchmarks.step import tensors

KIB = 1024


def zeros(kib: int, **options) -> torch.Tensor:
    return torch.zeros(kib * KIB // 4, **options)


def test_the_most_at_one_time():
    with LiveTensors() as live:
        first = zeros(8)
        second = first + 1
        del first
        assert live.peak == 16 * KIB
        third = second * 2
        assert live.peak == 16 * KIB
        assert (third + second).shape == third.shape
    assert live.peak == 24 * KIB


def test_a_view_costs_nothing_and_what_was_there_counts():
    held = zeros(4)
    with LiveTensors([held, held.view(2, -1)]) as live:
        made = zeros(1)
        assert made.view(2, -1)[0].numel() == 128
    assert live.peak == 5 * KIB


def test_what_the_backward_pass_needs_is_there_until_it_ran():
    weight = zeros(4, requires_grad=True)
    with LiveTensors() as live:
        loss = weight.exp().sin().sum()  # keeps both maps
        kept = live.peak
        loss.backward()
    assert kept == 8 * KIB + 4


def test_weights_and_moments():
    weight = torch.nn.Parameter(zeros(2))
    optimizer = torch.optim.Adam([weight])
    assert len(held_by(optimizer)) == 1
    weight.sum().backward()
    optimizer.step()
    sizes = sorted(own.numel() for own in held_by(optimizer))
    assert sizes == [1, 512, 512, 512]


def test_the_published_form_keeps_more():
    assert tensors("ours", "2d_128") < 0.83 * tensors("published", "2d_128")
