"""A training has the network that its start's record says, unless a person says another one."""

from __future__ import annotations

import json

import pytest

from tests.commands.calls import becomes, refused, used_run
from tests.conftest import ROOT

WIDTHS = {"channels": [8, 16, 32, 64], "backbone": None, "feature_channels": None}


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "dataset.json").write_text(json.dumps({"name": "x", "spatial_dims": 3}))
    return folder


def _run(folder, **settings):
    return used_run(folder, task="pre-training", settings=WIDTHS | {"spatial_dims": 3} | settings)


def _told(words, name):
    return [words[place + 1] for place, word in enumerate(words) if word == f"--{name}"]


@pytest.mark.parametrize("start", ["models/hippocampus", "models/hippocampus/models/model.pt"])
@pytest.mark.parametrize("what", [["finetune"], ["train", "semi"]])
def test_released_weights_bring_their_widths(monkeypatch, capsys, data, what, start):
    words = becomes(monkeypatch, *what, data, "--pretrained", start, "--epochs", 3)
    assert _told(words, "channels") == ["[8, 16, 32, 64]"]
    assert _told(words, "backbone") == _told(words, "feature_channels") == []
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"as {start} has it: channels [8, 16, 32, 64]"
    assert said[1].startswith("python -m monai.bundle run training")


def test_a_described_backbone_comes_with_what_belongs_to_it(monkeypatch, data, tmp_path):
    described = {"_target_": "DynUNet", "spatial_dims": 3, "in_channels": 2, "out_channels": 16}
    described |= {"kernel_size": [3, 3], "strides": [1, 2], "upsample_kernel_size": [2]}
    own = _run(tmp_path / "run", backbone=described, feature_channels=16, backbone_multiple=2)
    words = becomes(monkeypatch, "finetune", data, "--pretrained", own)
    assert f"{described | {'in_channels': '@in_channels'}}" in _told(words, "backbone")
    assert _told(words, "feature_channels") == ["16"]
    assert _told(words, "backbone_multiple") == ["2"]


@pytest.mark.parametrize(
    "given",
    [
        ["--channels", "[4,8]"],
        ["--channels=[4,8]"],
        ["--backbone_multiple", "2"],
        ["--overlay", "own.json"],
        ["--overlay", "finetune_med3d"],
    ],
)
def test_a_network_that_a_person_gave_is_taken_as_it_is(monkeypatch, capsys, data, tmp_path, given):
    (tmp_path / "own.json").write_text(json.dumps({"channels": [4, 8]}))
    given = [str(tmp_path / word) if word == "own.json" else word for word in given]
    own = _run(tmp_path / "run")
    words = becomes(monkeypatch, "finetune", data, "--pretrained", own, *given)
    assert "[8, 16, 32, 64]" not in words
    assert capsys.readouterr().out.startswith("python -m monai.bundle run")


def test_a_method_brings_its_own_network(monkeypatch, data, tmp_path):
    words = ["train", "semi", data, "--pretrained", _run(tmp_path / "run")]
    assert _told(becomes(monkeypatch, *words, "--method", "dpa_dbn"), "channels") == []
    assert _told(becomes(monkeypatch, *words, "--method", "gvsl"), "channels")


@pytest.mark.parametrize("start", ["none", "same", "earlier", "weights.pt"])
def test_nothing_is_said_where_nothing_differs_or_is_known(
    monkeypatch, capsys, data, tmp_path, start
):
    _run(tmp_path / "same", channels=[16, 32, 64, 128])
    (tmp_path / "earlier").mkdir()
    (tmp_path / "weights.pt").touch()
    start = start if start == "none" else tmp_path / start
    words = becomes(monkeypatch, "finetune", data, "--pretrained", start)
    assert words[-2:] == ["--pretrained", str(start)]
    assert capsys.readouterr().out.startswith("python -m monai.bundle run")


def test_weights_for_other_dimensions_are_refused_before_anything_is_run(
    monkeypatch, capsys, data, tmp_path
):
    flat = _run(tmp_path / "flat", spatial_dims=2)
    told = refused(monkeypatch, capsys, "finetune", data, "--pretrained", flat)
    assert f"{flat}: weights for 2-D images, those of {data} are 3-D; give a start of 3-D" in told
    assert told.endswith("or --slices True")
    words = ["finetune", data, "--pretrained", flat, "--slices", "True"]
    assert _told(becomes(monkeypatch, *words), "channels") == ["[8, 16, 32, 64]"]
    sliced = _run(tmp_path / "sliced", slices=True)
    assert "weights for 2-D images" in refused(monkeypatch, capsys, *words[:3], sliced)
