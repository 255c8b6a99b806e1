"""A knob that cannot be is refused before anything is written: the phantom, too."""

from __future__ import annotations

import pytest

from gemini_monai.base.errors import input_error_in
from tests.bundles.runs import BUNDLE, MIP, workflow
from tests.commands.calls import refused

WRONG = {
    "learning_rate": (-1, "key 'learning_rate': expected a number, 0 or more, got -1"),
    "crops": ("x", "key 'crops': expected one of center, foreground, got 'x'"),
    "val_interval": (17, "key 'val_interval': 17 is above epochs 16"),
    "augmentation": ("x", "key 'augmentation': expected one of none, light, strong, got 'x'"),
    "device": ("cuda:99", "key 'device': cuda:99, but "),
}


@pytest.mark.parametrize("key", WRONG)
@pytest.mark.parametrize(
    ("name", "bundle"),
    [("train", BUNDLE), ("train", MIP), ("finetune", MIP)],
    ids=["semi", "mip", "finetune"],
)
def test_the_run_refuses_it_first(key, name, bundle, tmp_path):
    value, expected = WRONG[key]
    given = {"dataset_dir": str(tmp_path / "data"), "output_dir": str(tmp_path / "run")}
    with pytest.raises(Exception, match=".") as raised:
        workflow(name, bundle=bundle, **given | {"epochs": 16, key: value}).initialize()
    assert str(input_error_in(raised.value)).startswith(expected)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", ["learning_rate", "crops", "val_interval"])
def test_the_command_refuses_it_before_the_run(key, monkeypatch, capsys, tmp_path):
    value, expected = WRONG[key]
    monkeypatch.chdir(tmp_path)
    said = refused(monkeypatch, capsys, "train", "semi", f"--{key}", str(value))
    assert said == f"error: {expected}"
    assert not list(tmp_path.iterdir())
