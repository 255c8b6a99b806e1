"""Old names of modules work, with a warning, and name the same things."""

from __future__ import annotations

import importlib
import sys

import pytest
from monai.bundle import ConfigParser

from gemini_monai.base.moved import MOVED, name_today
from gemini_monai.inference import trained_run
from gemini_monai.inference.trained_run import TrainedRun


@pytest.mark.parametrize("name", MOVED)
def test_an_old_name_is_the_module_of_today(name):
    sys.modules.pop(f"gemini_monai.{name}", None)
    with pytest.warns(FutureWarning, match=f"gemini_monai.{name} is gemini_monai.{MOVED[name]}"):
        found = importlib.import_module(f"gemini_monai.{name}")
    assert found is importlib.import_module(f"gemini_monai.{MOVED[name]}")
    assert found.__spec__.name == found.__name__ == f"gemini_monai.{MOVED[name]}"


def test_a_module_within_is_not_run_again():
    for name in [own for own in sys.modules if own.startswith("gemini_monai.methods")]:
        del sys.modules[name]
    with pytest.warns(FutureWarning):
        old = importlib.import_module("gemini_monai.methods.simclr")
    assert old is importlib.import_module("gemini_monai.study.methods.simclr")


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_configuration_of_before_finds_its_objective():
    config = {"objective": {"_target_": "gemini_monai.methods.SimCLR", "temperature": 0.5}}
    found = ConfigParser(config).get_parsed_content("objective")
    assert type(found).__module__ == "gemini_monai.study.methods.simclr"


@pytest.mark.parametrize(
    ("old", "today"),
    [
        ("gemini_monai.methods.SimCLR", "gemini_monai.study.methods.SimCLR"),
        ("gemini_monai.trained", "gemini_monai.inference.trained_run"),
        ("gemini_monai.networks.Gemini", "gemini_monai.networks.Gemini"),
        ("my_gemini_monai.methods", "my_gemini_monai.methods"),
        ("gemini_monai.labelsmith", "gemini_monai.labelsmith"),
    ],
)
def test_names_of_others_stay(old, today):
    assert name_today(old) == today


def test_an_early_name_of_a_class_is_that_of_today():
    with pytest.warns(FutureWarning, match="trained_run.Run is TrainedRun since 0.2"):
        from gemini_monai.trained import Run
    assert Run is TrainedRun
    with pytest.raises(AttributeError, match="trained_run' has no attribute 'Nothing'"):
        trained_run.Nothing  # noqa: B018
