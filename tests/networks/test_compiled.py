"""``torch.compile`` in place: the same names of weights, the same numbers, sizes that vary."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch._dynamo.testing import CompileCounter

from gemini_monai.networks import Gemini, placed


@pytest.fixture
def counter(monkeypatch):
    """Counts what is compiled, by a backend that needs no compiler of C++."""
    counter, original = CompileCounter(), nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda own: original(own, backend=counter))
    torch._dynamo.reset()
    return counter


@pytest.fixture
def pair(counter):
    """A network as it is, and a copy of it that is compiled."""
    plain = Gemini(2, 1, 3, channels=(4, 8), half_resolution_field=True)
    return plain, placed(copy.deepcopy(plain), "cpu", compiled=True)


def test_numbers_gradients_and_names_of_weights_stay(pair, counter):
    plain, compiled = pair
    images = torch.rand(2, 1, 16, 16)
    fields = [network.correspond(images).ddf_ab for network in pair]
    torch.testing.assert_close(*fields)
    assert counter.frame_count == 2  # backbone and deformer
    for field in fields:
        field.square().mean().backward()
    own, other = ([p.grad for p in network.parameters()] for network in pair)
    assert [grad is None for grad in own] == [grad is None for grad in other]
    torch.testing.assert_close(
        [g for g in own if g is not None], [g for g in other if g is not None]
    )
    assert list(compiled.state_dict()) == list(plain.state_dict())
    assert list(copy.deepcopy(compiled).state_dict()) == list(plain.state_dict())


def _gradients(network):
    """By name; the head has none."""
    parameters = network.named_parameters()
    return {name: own.grad for name, own in parameters if own.grad is not None}


def test_sizes_may_vary(pair, counter):
    plain, compiled = pair
    for size in ((16, 16), (18, 21), (32, 20)):
        images = torch.rand(2, 1, *size)
        with torch.no_grad():
            torch.testing.assert_close(compiled(images), plain(images))
    assert counter.frame_count <= 3  # of one size, then of any, padded or not


def test_nothing_is_compiled_unasked(counter):
    placed(Gemini(2, 1, 3, channels=(4, 8)), "cpu").correspond(torch.rand(2, 1, 16, 16))
    assert counter.frame_count == 0
