"""Knobs: types and ranges."""

from __future__ import annotations

import json

import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.images.names import DICOM
from gemini_monai.images.write import WRITTEN
from gemini_monai.runs import check_settings
from gemini_monai.runs.settings import KNOBS, USED
from tests.bundles.runs import BUNDLE, MIP


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
        ("device", "meta"),
        ("orientation", "XYZ"),
        ("orientation", "RA"),
        ("orientation", "RLA"),
        ("orientation", ["R", "A", "S"]),
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


PATHS = [name for name in USED if name != "output_ext"]
PLACES = (*PATHS, "output_dir", "dataset_dir", "cache_dir", "pretrained", "reference")


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("value", ["", " ", True, 3])
def test_a_path_that_cannot_be_is_named(name, value):
    with pytest.raises(InputError, match=f"key '{name}': expected a path"):
        check_settings({name: value})


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: f"{path.parents[1].name}-{path.stem}")
def test_every_path_of_a_configuration_that_uses_a_run_is_checked(path):
    config = json.loads(path.read_text())
    if "checked" in config:
        used = {name for name in PLACES if name in config} - {"reference"}  # of the run's record
        assert used <= set(config["checked"])


@pytest.mark.parametrize("suffix", [*WRITTEN, DICOM])
def test_a_format_that_is_written_may_be_asked_for(suffix):
    check_settings({"output_ext": suffix})
    with pytest.raises(InputError, match="output_ext"):
        check_settings({"output_ext": f"{suffix}x"})
