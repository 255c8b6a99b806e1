"""A run goes on by what it was trained by: other places, devices, probes, and no other knob."""

from __future__ import annotations

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.runs import refuse_other_settings
from gemini_monai.runs.identity import PASSING, lasting, training_identity
from gemini_monai.runs.settings import KNOBS

BASE = {"method": "GEMINI", "seed": 0, "data": "x", "epochs": 4, "pairs": 3, "positive_start": 0.0}
GOES_ON = (
    *("device", "compile", "memory", "num_workers", "cache_dir", "dataset_dir", "output_dir"),
    *("amp", "transforms_on"),
    *("compare", "probe_datalist", "probe_interval", "registration_pairs", "val_interval"),
    "surface_tolerance",
)


@pytest.mark.parametrize("name", GOES_ON)
def test_it_goes_on_with_another(name):
    assert lasting({name: "other", "seed": 1}) == {"seed": 1}


def test_what_passes_is_a_knob():
    assert PASSING - {"device", "transforms_on"} <= set(KNOBS)
    for name in ("channels", "diffeomorphic", "deformer_scales", "learning_rate", "seed"):
        assert lasting({name: 1}) == {name: 1}


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
    today = {"_target_": "gemini_monai.networks.network_of", "settings": "@settings"}
    later = {"deformer_scales": 1, "diffeomorphic": False, "network_def": today}
    before = {"_target_": "gemini_monai.networks.Gemini", "spatial_dims": "@spatial_dims"}
    early = BASE | {"network_def": before}
    refuse_other_settings(early, BASE | later, done=3, where="last.pt")
    with pytest.raises(InputError, match="trained with deformer_scales 1, now 3"):
        refuse_other_settings(early, BASE | later | {"deformer_scales": 3}, done=3, where="last.pt")


def test_a_run_from_before_colors_goes_on_with_one_scale_for_all_channels():
    refuse_other_settings(BASE, BASE | {"color": True}, done=3, where="last.pt")
    with pytest.raises(InputError, match="trained with color True, now False"):
        refuse_other_settings(BASE, BASE | {"color": False}, done=3, where="last.pt")
    rule = {"kind": "percentile", "lower": 0.5, "upper": 99.5}
    one, each = ({"intensity": own, "color": False} for own in (rule, [rule, rule]))
    refuse_other_settings(BASE | each, BASE | each, done=3, where="last.pt")
    with pytest.raises(InputError, match="trained with intensity"):
        refuse_other_settings(BASE | each, BASE | one, done=3, where="last.pt")


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
