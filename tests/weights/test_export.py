"""An exported backbone: readable by anyone, loadable again, and with a card."""

from __future__ import annotations

import json
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from gemini_monai.base.errors import InputError
from gemini_monai.networks import Gemini, UNetBackbone
from gemini_monai.weights import export_backbone, load_backbone, read_card


@pytest.fixture
def run_folder(tmp_path):
    network = Gemini(2, 1, 3, channels=(4, 8))
    (tmp_path / "run" / "models").mkdir(parents=True)
    torch.save(network.state_dict(), tmp_path / "run" / "models" / "model.pt")
    record = {
        "method": "GEMINI",
        "dataset": {"name": "mine", "hash": "abc"},
        "seed": 3,
        "iterations": 40,
        "command": "python -m monai.bundle run",
        "versions": {"torch": "2.13.0"},
        "bundle": "gemini_mip",
        "task": "pre-training",
        "settings": {"channels": [4, 8], "spatial_dims": 2, "spacing": [1.0, 1.0]},
    }
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    return tmp_path / "run"


def test_a_backbone_goes_out_and_comes_back(run_folder, tmp_path):
    file = export_backbone(run_folder, tmp_path / "backbone.pt")
    saved = torch.load(file, weights_only=True)
    own = torch.load(run_folder / "models" / "model.pt")
    backbone = UNetBackbone(2, 1, (4, 8))
    backbone.load_state_dict(saved["state_dict"])  # plain torch
    assert torch.equal(
        saved["state_dict"]["encoder.0.0.conv.weight"], own["backbone.encoder.0.0.conv.weight"]
    )
    network = Gemini(2, 1, 5, channels=(4, 8))
    loaded = load_backbone(network, file, verbose=False)
    assert not loaded.missing
    assert list(tmp_path.glob(".part-*")) == []


def test_an_encoder_is_less(run_folder, tmp_path):
    file = export_backbone(run_folder, tmp_path / "encoder.pt", part="encoder")
    saved = torch.load(file, weights_only=True)["state_dict"]
    assert all(key.startswith("encoder.") for key in saved)
    network = Gemini(2, 1, 5, channels=(4, 8))
    with pytest.raises(InputError, match="first missing: 'decoder"):
        load_backbone(network, file)
    loaded = load_backbone(network, file, min_share=0.3, verbose=False)
    assert all(key.startswith("decoder.") for key in loaded.missing)


def test_the_card_says_where_it_comes_from(run_folder, tmp_path):
    card = read_card(export_backbone(run_folder, tmp_path / "backbone.pt"))
    assert card["dataset"] == {"name": "mine", "hash": "abc"}
    assert (card["seed"], card["iterations"], card["part"]) == (3, 40, "backbone")
    assert card["preprocessing"]["spacing"] == [1.0, 1.0]
    assert card["license_of_the_data"] == "not recorded"
    expected = sum(p.numel() for p in UNetBackbone(2, 1, (4, 8)).parameters())
    assert card["parameters"] == expected


def test_what_cannot_be_exported_or_read_is_named(run_folder, tmp_path):
    with pytest.raises(ValueError, match="part must be one of"):
        export_backbone(run_folder, tmp_path / "x.pt", part="head")
    with pytest.raises(InputError, match=r"model\.pt: not an exported backbone, it has no card"):
        read_card(run_folder / "models" / "model.pt")
    (run_folder / "run.json").unlink()
    with pytest.raises(InputError, match=r"not a run folder, .*run\.json is missing"):
        export_backbone(run_folder, tmp_path / "x.pt")
    assert not (tmp_path / "x.pt").exists()


def test_the_suffix_decides_the_format(run_folder, tmp_path):
    safe = export_backbone(run_folder, tmp_path / "backbone.safetensors")
    plain = export_backbone(run_folder, tmp_path / "backbone.pt")
    found, expected = load_file(safe), torch.load(plain, weights_only=True)["state_dict"]
    assert found.keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in found.items())
    assert read_card(safe) == read_card(plain)
    again = export_backbone(run_folder, tmp_path / "again.safetensors")
    assert again.read_bytes() == safe.read_bytes()
    assert not load_backbone(Gemini(2, 1, 5, channels=(4, 8)), safe, verbose=False).missing


def test_safetensors_of_others_are_read_and_damaged_ones_named(tmp_path):
    state = UNetBackbone(2, 1, (4, 8)).state_dict()
    save_file(state, tmp_path / "theirs.safetensors")
    network = Gemini(2, 1, 5, channels=(4, 8))
    assert not load_backbone(network, tmp_path / "theirs.safetensors", verbose=False).missing
    (tmp_path / "bad.safetensors").write_bytes(b"not")
    with pytest.raises(InputError, match=r"bad\.safetensors: not a readable weights file"):
        load_backbone(network, tmp_path / "bad.safetensors")


def test_safetensors_without_the_package(run_folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    with pytest.raises(InputError, match=r"pip install huggingface_hub requests safetensors$"):
        export_backbone(run_folder, tmp_path / "backbone.safetensors")
    assert not (tmp_path / "backbone.safetensors").exists()
