"""Knobs: types and ranges; a run goes on by what it was trained by."""

from __future__ import annotations

import json

import pytest
import torch

from gemini_monai.errors import InputError
from gemini_monai.runs import check_settings, refuse_other_settings
from gemini_monai.runs.settings import KNOBS, training_identity
from tests.bundles.runs import BUNDLE, MIP

BASE = {"method": "GEMINI", "seed": 0, "data": "x", "epochs": 4, "pairs": 3, "positive_start": 0.0}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("pairing", "rnig"),
        ("learning_rate", float("inf")),
        ("num_workers", -1),
        ("channels", [8]),
        ("amp", "false"),
        ("spacing", [0.0, 1.0]),
        ("spatial_size", [32, 0]),
        ("intensity", {"kind": "none", "lower": 0, "upper": 1}),
        ("supervised_weight", -1),
        ("device", "cuda:99"),
        ("device", "gpu"),
        ("transforms_on", "cuda:99"),
        ("seed", -1),
        ("unlabeled_share", 0.0),
        ("unlabeled_share", 1.5),
    ],
)
def test_a_knob_that_cannot_be_is_named(name, value):
    with pytest.raises(InputError, match=f"key '{name}'"):
        check_settings({name: value})


def test_a_validation_that_never_comes_is_refused_before_training():
    with pytest.raises(InputError, match="'val_interval': 9 is above epochs 8"):
        check_settings({"epochs": 8, "val_interval": 9})


def test_processes_that_load_cannot_transform_on_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    check_settings({"transforms_on": "cuda", "num_workers": 0})
    with pytest.raises(InputError, match="'num_workers': got 8, but with transforms_on cuda"):
        check_settings({"transforms_on": "cuda", "num_workers": 8})


WHOLE = [
    path
    for bundle in (BUNDLE, MIP)
    for path in sorted((bundle / "configs").glob("*.json"))
    if "initialize" in json.loads(path.read_text())
]


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: f"{path.parents[1].name}-{path.stem}")
def test_every_plain_knob_of_a_configuration_has_a_range(path):
    config = json.loads(path.read_text())
    plain = {k: v for k, v in config.items() if isinstance(v, (bool, int, float))}
    assert set(plain) <= set(KNOBS)
    for knob, value in plain.items():
        KNOBS[knob](value, knob)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "trained with seed 0, now 1"),
        ({"method": "GVSL", "seed": 1}, r"method 'GEMINI', now 'GVSL' \(also: seed\)"),
        ({"data": "y"}, "other images or by another split"),
        ({"pairs": 4, "data": "y"}, "other images or by another split"),
        ({"epochs": 2}, "trained with epochs 4, now 2"),  # three are done
        ({"epochs": 5, "positive_start": 0.5}, "epochs 4, now 5"),
        ({"new": 1}, "trained with new not set, now 1"),
        ({"nested": {"a": [1]}}, r"trained with nested\.a not set, now \[1\]"),
    ],
)
def test_a_run_does_not_go_on_by_other_settings(change, message):
    with pytest.raises(InputError, match=rf"last\.pt: .*{message}"):
        refuse_other_settings(BASE, BASE | change, done=3, where="last.pt")


def test_the_number_of_epochs_may_change():
    for epochs in (3, 4, 9):
        refuse_other_settings(BASE, BASE | {"epochs": epochs}, done=3, where="last.pt")


def test_a_run_of_an_earlier_version_goes_on_by_what_later_knobs_say_of_it():
    parts = {"deformer_scales": "@deformer_scales", "spatial_dims": "@spatial_dims"}
    later = {"deformer_scales": 1, "diffeomorphic": False, "network_def": parts}
    early = BASE | {"network_def": {"spatial_dims": "@spatial_dims"}}
    refuse_other_settings(early, BASE | later, done=3, where="last.pt")
    with pytest.raises(InputError, match="trained with deformer_scales 1, now 3"):
        refuse_other_settings(early, BASE | later | {"deformer_scales": 3}, done=3, where="last.pt")


def test_a_run_of_an_earlier_version_goes_on_whatever_it_kept_of_knobs_that_decide_nothing():
    early = BASE | {"amp": False, "memory": "low"}
    refuse_other_settings(early, BASE, done=3, where="last.pt")


def test_what_decides_a_training_is_known_and_what_does_not_is_not():
    known = {"method": "m", "epochs": 3, "num_workers": 2, "device": "cpu", "compare": ["a"]}
    found = training_identity(settings=known, data="x", parts={"objectives": {"a": {"window": 9}}})
    assert found == {
        "data": "x",
        "method": "m",
        "epochs": 3,
        "objectives": {"a": {"window": 9}},
    }


def test_a_start_is_the_same_by_any_path(tmp_path, monkeypatch):
    (tmp_path / "pre").mkdir()
    monkeypatch.chdir(tmp_path)
    one, other = (
        training_identity(settings={"pretrained": path}, data="x", parts={})
        for path in ("pre", str(tmp_path / "pre"))
    )
    assert one == other
