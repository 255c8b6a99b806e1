"""Weights are finite real numbers; anything else is named, and the network stays as it is."""

from __future__ import annotations

import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.networks import Gemini
from gemini_monai.weights import load_backbone, load_network
from gemini_monai.weights.network import read_state


def _network(seed=0):
    torch.manual_seed(seed)
    return Gemini(2, 1, 3, channels=(4, 8))


def _quantized(value):
    return torch.quantize_per_tensor(value.float(), 0.1, 0, torch.qint8)


KINDS = {
    "whole": (torch.Tensor.int, "whole numbers"),
    "bytes": (lambda value: value.to(torch.uint8), "whole numbers"),
    "flags": (torch.Tensor.bool, "whole numbers"),
    "complex": (lambda value: value.to(torch.complex64), "complex, sparse or quantized numbers"),
    "sparse": (torch.Tensor.to_sparse, "complex, sparse or quantized numbers"),
    "quantized": (_quantized, "complex, sparse or quantized numbers"),
    "diverged": (lambda value: value / 0, "is not finite"),
    "huge": (lambda value: value.double() * 1e300, "is not finite in torch.float32"),
}


def _first(state):
    return next(name for name in state if name.startswith("backbone."))


@pytest.fixture(params=["one", "all"])
def written(request, tmp_path):
    """From a change of a tensor to a file in which one of them, or all, are changed so."""

    def write(change):
        state = _network().state_dict()
        names = [_first(state)] if request.param == "one" else list(state)
        torch.save(state | {name: change(state[name]) for name in names}, tmp_path / "model.pt")
        return tmp_path / "model.pt"

    return write


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("load", [load_network, load_backbone])
def test_other_kinds_of_numbers_are_named(written, kind, load):
    change, message = KINDS[kind]
    network = _network(1)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(InputError, match=rf"model\.pt: .*{message}"):
        load(network, written(change))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("kind", ["whole", "complex", "sparse", "quantized", "diverged"])
def test_they_are_not_handed_on_either(kind, tmp_path):
    change, message = KINDS[kind]
    state = {name: change(value) for name, value in _network().state_dict().items()}
    torch.save(state, tmp_path / "model.pt")
    with pytest.raises(InputError, match=message):
        read_state(tmp_path / "model.pt")


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.bfloat16, torch.float64])
def test_another_precision_is_taken(tmp_path, dtype):
    state = {name: value.to(dtype) for name, value in _network().state_dict().items()}
    torch.save(state, tmp_path / "model.pt")
    loaded = load_network(_network(1), tmp_path / "model.pt").state_dict()
    for name, value in state.items():
        assert torch.equal(loaded[name], value.float())


def test_counts_of_a_batch_norm_stay_whole_numbers(tmp_path):
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    torch.save(network.state_dict(), tmp_path / "model.pt")
    load_network(network, tmp_path / "model.pt")
    torch.save(
        network.state_dict() | {"1.num_batches_tracked": torch.tensor(0.5)}, tmp_path / "model.pt"
    )
    with pytest.raises(
        InputError, match="'1.num_batches_tracked' holds real numbers, expected who"
    ):
        load_network(network, tmp_path / "model.pt")
