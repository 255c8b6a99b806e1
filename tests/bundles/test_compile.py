"""``--compile True``: the same training, weights by the same names, and on and off again."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.bundles.runs import FINE, MIP, SMALL, paths, run


@pytest.fixture
def compiled(monkeypatch):
    """Names of what was compiled, by a backend that needs no compiler of C++."""
    original, found = nn.Module.compile, []

    def compile_(own):
        found.append(type(own).__name__)
        original(own, backend="eager")

    monkeypatch.setattr(nn.Module, "compile", compile_)
    torch._dynamo.reset()
    return found


def _weights(folder):
    return torch.load(folder / "models" / "model.pt", weights_only=True)


def test_a_pretraining_is_the_same_and_goes_on_without(
    pretrained, compiled, tiny_phantom, tmp_path
):
    places = paths(tiny_phantom, tmp_path / "run")
    run("train", bundle=MIP, **places, **SMALL, compile=True)
    assert compiled == ["UNetBackbone", "Deformer"]
    own, other = _weights(tmp_path / "run"), _weights(pretrained)
    assert list(own) == list(other)
    torch.testing.assert_close(own, other)
    run("train", bundle=MIP, **places, **SMALL | {"epochs": 3}, resume=True)
    assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 1 + 3 * 2


@pytest.mark.parametrize(("bundle", "name"), [("gemini_semi", "train"), ("gemini_mip", "finetune")])
def test_the_knob_is_in_the_other_configurations(bundle, name, compiled, tiny_phantom, tmp_path):
    extra = {"compare": []} if name == "train" else {"pretrained": "none"}
    changes = FINE | {"epochs": 1, "epoch_length": 1, "compile": True, **extra}
    run(name, bundle=MIP.parent / bundle, **paths(tiny_phantom, tmp_path / "run"), **changes)
    assert compiled == ["UNetBackbone", "Deformer"]
    assert not [name for name in _weights(tmp_path / "run") if "_orig_mod" in name]
