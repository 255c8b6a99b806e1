"""A backbone named by configuration once, and known wherever the run is used."""

from __future__ import annotations

import json
import zipfile

import monai.bundle
import pytest
import torch
from monai.networks.nets import BasicUNet

from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.weights import export_backbone, package_bundle, read_card
from tests.bundles.runs import BUNDLE, CONFIGS, PAIRED, command, overrides_of, run

DESCRIBED = {
    "_target_": "BasicUNet",
    "spatial_dims": 2,
    "in_channels": 1,
    "out_channels": 16,
}


@pytest.fixture(scope="module")
def other(tiny_phantom, tmp_path_factory):
    """A run with the backbone of the bundle's page, trained on its command line."""
    folder = tmp_path_factory.mktemp("other")
    page = (BUNDLE / "docs" / "README.md").read_text()
    overlay = folder / "backbone.json"
    overlay.write_text(page.split("```json\n")[1].split("```")[0])
    paths = {"dataset_dir": tiny_phantom.parent, "datalist": tiny_phantom}
    arguments = overrides_of(paths | PAIRED | {"output_dir": folder / "run", "compare": []})
    files = str([str(CONFIGS / "train.json"), str(overlay)])
    trained = command("run", "training", "--config_file", files, *arguments)
    assert trained.returncode == 0, trained.stderr[-2000:]
    return folder / "run"


def test_the_record_has_all_that_it_takes(other):
    settings = json.loads((other / "run.json").read_text())["settings"]
    assert settings["backbone"] == DESCRIBED
    assert (settings["feature_channels"], settings["backbone_multiple"]) == (16, 16)


def test_it_segments_and_registers_without_a_second_mention(other, tiny_phantom, tmp_path):
    cohort = read_cohort(tiny_phantom)
    folders = {"dataset_dir": tiny_phantom.parent / "images", "output_dir": tmp_path / "labels"}
    run("inference", kind="infer", run_dir=str(other), **{k: str(v) for k, v in folders.items()})
    assert len(list((tmp_path / "labels").iterdir())) > 0
    moving, fixed = cohort.test[:2]
    pair = {"moving": moving["image"], "fixed": fixed["image"], "run_dir": other}
    result = command(
        *("run", "--config_file", CONFIGS / "register.json"),
        *overrides_of(pair | {"output_dir": tmp_path / "fields"}),
    )
    assert result.returncode == 0, result.stderr[-2000:]


def test_it_is_packaged_and_loaded(other, tmp_path):
    archive = package_bundle(BUNDLE, other, output=tmp_path)
    with zipfile.ZipFile(archive) as file:
        metadata = json.loads(file.read("gemini_semi/configs/metadata.json"))
        file.extractall(tmp_path / "there")
    shape = metadata["network_data_format"]["inputs"]["image"]["spatial_shape"]
    assert shape == ["16*n", "16*n"]
    network = monai.bundle.load(
        "gemini_semi",
        bundle_dir=str(tmp_path / "there"),
        source="github",
        workflow_type="inference",
        device="cpu",
    )
    assert isinstance(network.backbone, BasicUNet)


def test_its_card_says_what_was_used(other, tmp_path):
    card = read_card(export_backbone(other, tmp_path / "backbone.pt"))
    assert (card["backbone"], card["channels"]) == (DESCRIBED, None)


def test_it_goes_on_only_with_the_same(other):
    files = str([str(other / "config.json")])
    more = {"resume": True, "epochs": 3, "backbone#out_channels": 8, "feature_channels": 8}
    result = command("run", "training", "--config_file", files, *overrides_of(more))
    assert result.returncode != 0
    assert "trained with feature_channels 16, now 8 (also: backbone.out_channels" in result.stderr


def test_the_features_are_those_of_that_network(other):
    state = torch.load(other / "models" / "model.pt")
    assert any(key.startswith("backbone.conv_0.") for key in state)
