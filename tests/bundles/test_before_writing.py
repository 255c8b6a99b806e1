"""A knob that cannot be is refused before anything is written: the phantom, too."""

from __future__ import annotations

import pytest

from gemini_monai.base.errors import input_error_in
from tests.bundles.runs import BUNDLE, MIP, workflow
from tests.commands.calls import refused

WRONG = {
    "learning_rate": (-1, "key 'learning_rate': expected a number, 0 or more, got -1"),
    "crops": ("x", "key 'crops': expected one of center, foreground, got 'x'"),
    "val_interval": (17, "key 'val_interval': 17 is above epochs 16, so there would never be"),
    "augmentation": ("x", "key 'augmentation': expected one of none, light, strong, got 'x'"),
    "device": ("cuda:99", "key 'device': cuda:99, but "),
}


RUNS = [
    *((BUNDLE, "train", key) for key in WRONG),
    *((MIP, "train", key) for key in ("learning_rate", "device")),
    *((MIP, "finetune", key) for key in ("learning_rate", "augmentation")),
]


@pytest.mark.parametrize(("bundle", "name", "key"), RUNS)
def test_the_run_refuses_it_first(bundle, name, key, tmp_path):
    value, expected = WRONG[key]
    given = {"dataset_dir": str(tmp_path / "data"), "output_dir": str(tmp_path / "run")}
    with pytest.raises(Exception, match=".") as raised:
        workflow(name, bundle=bundle, **given | {key: value}).initialize()
    assert str(input_error_in(raised.value)).startswith(expected)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", ["learning_rate", "crops", "val_interval"])
def test_the_command_refuses_it_before_the_run(key, monkeypatch, capsys, tmp_path):
    value, expected = WRONG[key]
    monkeypatch.chdir(tmp_path)
    said = refused(monkeypatch, capsys, "train", "semi", f"--{key}", str(value))
    assert said.startswith(f"error: {expected}")
    assert not list(tmp_path.iterdir())
