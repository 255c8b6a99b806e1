"""Overrides that do not exist, runs that are not there, bundles that are not found."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.bundle import ConfigParser

import gemini_monai
from gemini_monai.base.bundles import bundle_root, command_line_overrides
from gemini_monai.base.errors import InputError, input_error_in
from gemini_monai.configuration import check_configuration
from gemini_monai.configuration.overrides import refuse_unread_keys
from gemini_monai.configuration.parser_access import has_key
from tests.bundles.runs import workflow
from tests.conftest import ROOT

CONFIGS = ROOT / "bundles" / "gemini_semi" / "configs"
TRAIN = str(CONFIGS / "train.json")


def test_every_configuration_of_pretraining_is_sound():
    folder = ROOT / "bundles" / "gemini_mip" / "configs"
    assert check_configuration(str(folder / "inference.json")) == []
    for name in ("train", "finetune"):
        base = str(folder / f"{name}.json")
        assert check_configuration([base, str(folder / "dataset_folder.json")]) == []
    for overlay in [*folder.glob("method_*.json"), *folder.glob("dataset_*.json")]:
        assert check_configuration([str(folder / "train.json"), str(overlay)]) == []
    for overlay in [folder / "evaluate.json", *folder.glob("finetune_*.json")]:
        assert check_configuration([str(folder / "finetune.json"), str(overlay)]) == []


def test_every_shipped_configuration_is_sound():
    for name in ("inference", "ensemble", "register"):
        assert check_configuration(str(CONFIGS / f"{name}.json")) == []
    overlays = [*CONFIGS.glob("dataset_*.json"), *CONFIGS.glob("method_*.json")]
    assert overlays
    for overlay in [*overlays, CONFIGS / "evaluate.json"]:
        assert check_configuration([TRAIN, str(overlay)]) == []


def test_known_overrides_are_returned():
    overrides = {"epochs": 1, "train#trainer#amp": True, "optimizer::lr": 0.1, "run_id": "run"}
    assert check_configuration(TRAIN, **overrides) == [
        "epochs",
        "optimizer::lr",
        "train#trainer#amp",
    ]


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("epoch", "epochs"),
        ("learing_rate", "learning_rate"),
        ("train#trainer#apm", "train#trainer#amp"),
        ("network_def#chanels", "channels"),
    ],
)
def test_an_unknown_override_has_a_suggestion(key, nearest):
    with pytest.raises(InputError, match=f"no key '{key}'; did you mean '{nearest}'"):
        check_configuration(TRAIN, **{key: 1})


def test_what_is_wrong_in_a_file_is_named_with_the_file(tmp_path):
    overlay = tmp_path / "overlay.json"
    for content, message in (
        ('{"epohcs": 3}', r"overlay\.json: the configuration has no key 'epohcs'.*'epochs'"),
        ('{"epochs": ', r"overlay\.json: not a configuration"),
        ('{"epochs": "@nothing"}', "'epochs' refers to '@nothing', which does not exist"),
    ):
        overlay.write_text(content)
        with pytest.raises(InputError, match=message):
            check_configuration([TRAIN, str(overlay)])
    with pytest.raises(InputError, match=r"absent\.json: no such configuration file"):
        check_configuration(str(tmp_path / "absent.json"))


def test_a_command_line_is_read_as_monai_reads_it():
    line = ["training", "--config_file", "['a.json','b.json']", "--epochs=2", "--lr", "-1"]
    line += ["--amp", "--name", "x"]
    assert command_line_overrides(line) == {
        "config_file": ["a.json", "b.json"],
        "epochs": 2,
        "lr": -1,
        "amp": True,
        "name": "x",
    }


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.integers(), max_size=4))
def test_any_integers_come_back(values):
    line = [part for key, value in values.items() for part in (f"--{key}", str(value))]
    expected = {key: value for key, value in values.items() if not key.startswith("_")}
    found = command_line_overrides(line)
    assert {key: found[key] for key in expected} == expected


def test_a_bundle_is_found_from_the_clone_and_from_inside(monkeypatch, tmp_path):
    folder = ROOT / "bundles" / "gemini_semi"
    for place in (ROOT, ROOT / "bundles", folder):
        monkeypatch.chdir(place)
        assert Path(bundle_root("gemini_semi")) == folder
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="give --bundle_root FOLDER"):
        bundle_root("gemini_semi")


@pytest.mark.parametrize("name", ["train", "inference", "register"])
def test_a_misspelled_override_in_python_is_named(name):
    flow = workflow(name, kind="train" if name == "train" else "infer", device_="cpu")
    with pytest.raises(Exception, match="Failed to evaluate") as failed:
        flow.initialize()
    message = "key 'device_': nothing reads it; did you mean 'device'?"
    assert message in str(input_error_in(failed.value))


def test_what_clients_and_overlays_bring_is_no_mistake():
    config = {"used": 1, "run": "$@used", "run_name": "site", "positive": 0.1, "_x": 2, "part": {}}
    refuse_unread_keys(config)


def test_no_target_is_hidden_by_a_module_of_its_name():
    """From Python 3.12 on, what MONAI looks up by such a name is the module."""
    modules = {m.name for m in pkgutil.walk_packages(gemini_monai.__path__, "gemini_monai.")}
    named = set()
    for path in ROOT.glob("bundles/*/configs/*.json"):
        named |= set(re.findall(r'"_target_": "(gemini_monai[\w.]+)"', path.read_text()))
    assert len(named) > 40
    assert not named & modules


def test_transforms_on_a_gpu_that_is_not_there_are_refused(tiny_phantom, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    where = {"dataset_dir": str(tiny_phantom.parent), "datalist": str(tiny_phantom)}
    flow = workflow("train", **where, output_dir=str(tmp_path / "run"), transforms_on="cuda")
    with pytest.raises(Exception, match="ailed") as raised:
        flow.initialize()
    assert "key 'transforms_on': cuda, but no GPU" in str(input_error_in(raised.value))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "key", ["one", "part", "part#list", "part#list#1", "part#list#2", "two", "part#list#x", "one#a"]
)
def test_a_key_is_there_as_for_monai(key):
    parser = ConfigParser({"one": 1, "part": {"list": [1, {"two": 2}], "three": None}})
    assert has_key(parser, key) == (key in parser)
