"""The one rule: what is received is data, whatever stands in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemini_monai.base import trust
from gemini_monai.base.errors import InputError
from tests.conftest import ROOT


@pytest.mark.parametrize(
    "value",
    [
        "$__import__('os')",
        " $1",
        "@network",
        "%train.json#x",
        {"_target_": "os.system"},
        {"_requires_": "x"},
        {"a": [{"b": "$1"}]},
        [["@x"]],
        {"$x": 1},
        {"a": {"b": {"%c": 1}}},
    ],
)
def test_whatever_would_be_evaluated_is_refused_however_deep(value):
    with pytest.raises(InputError, match="run.json: settings: deep.*would be evaluated; what is r"):
        trust.refuse_code({"deep": value}, "run.json: settings")


def test_plain_values_are_data():
    trust.refuse_code({"a": [1, "b", None, {"c": "5 $"}], "mail": "a@b", "_x": 0}, "settings")


def test_a_description_of_a_network_is_left_to_who_builds_it():
    trust.refuse_code_of_run({"settings": {"backbone": {"_target_": "$x"}}}, "run.json")
    with pytest.raises(InputError, match=r"run\.json: backbone: key '_target_' would be"):
        trust.refuse_code_of_run({"backbone": {"_target_": "x"}}, "run.json")


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("monai.networks.nets.BasicUNet", True),
        ("torch.nn.modules.conv.Conv2d", True),
        ("gemini_monai.networks.UNetBackbone", True),
        ("dynamic_network_architectures.architectures.unet.PlainConvUNet", True),
        ("monai.bundle.run", False),
        ("monai.networks.nets.transchex.Transchex", False),
        ("torch.hub.load", False),
        ("torch.nn_other.Net", False),
        ("torch.nn.__builtins__", False),
        ("os.system", False),
        ("BasicUNet", False),
        ("", False),
    ],
)
def test_packages_whose_networks_a_record_may_name(name, allowed):
    assert trust.is_of_packages(name) is allowed


@pytest.mark.parametrize(
    ("name", "fetches"),
    [
        *((name, True) for name in ("pretrained", "weights", "weights_backbone", "pretrained_url")),
        *((name, True) for name in ("checkpoint", "ckpt_path", "url", "model_url")),
        *(
            (name, False)
            for name in ("use_checkpoint", "weight", "channels", "gradient_checkpoint")
        ),
    ],
)
def test_arguments_that_load_or_fetch(name, fetches):
    assert bool(trust.FETCHING.fullmatch(name)) is fetches


def test_a_configuration_is_the_installed_one_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = trust.shipped_configuration("gemini_semi", "inference")
    assert found == ROOT / "bundles" / "gemini_semi" / "configs" / "inference.json"
    for name in ("../gemini_semi", "/etc", "", "gemini_semi/configs"):
        with pytest.raises(InputError, match="there are gemini_mip, gemini_semi"):
            trust.shipped_configuration(name, "inference")


def test_only_the_received_folder_is_watched_for_modules(tmp_path, monkeypatch):
    for name in ("run", "elsewhere"):
        (tmp_path / name / "sub").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "run" / "sub")
    trust.refuse_imports_from(tmp_path / "run")
    Path("numpy").mkdir()
    Path("numpy/__init__.py").touch()
    with pytest.raises(InputError, match=r"numpy/__init__\.py: Python would import it"):
        trust.refuse_imports_from(tmp_path / "run")
    trust.refuse_imports_from(tmp_path / "elsewhere")


def test_an_archive_is_compared_with_installed_methods(tmp_path):
    archive = tmp_path / "gemini_semi"
    archive.mkdir()
    (archive / "configs").mkdir()
    mine = archive / "configs" / "method_mine.json"
    mine.touch()
    assert trust.methods_of(archive) == {"mine": mine}
    (archive / "run.json").touch()
    installed = ROOT / "bundles" / "gemini_semi" / "configs" / "method_bcp.json"
    assert trust.methods_of(archive)["bcp"] == installed
    assert "mine" not in trust.methods_of(archive)
