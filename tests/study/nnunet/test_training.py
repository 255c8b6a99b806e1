"""How long nnU-Net trains, and what is refused before anything is made."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.base.errors import InputError
from gemini_monai.study.nnunet import training
from gemini_monai.study.nnunet.arm import train_nnunet
from gemini_monai.study.nnunet.planning import folders_in, with_variables
from gemini_monai.study.nnunet.training import EPOCHS, OWN_EPOCH, divided, schedule_of
from gemini_monai.study.nnunet.wanted import Wanted
from tests.commands.calls import refused


@given(st.integers(1, 10**6))
def test_epochs_are_short_enough_for_the_schedule_and_lose_less_than_one(iterations):
    epochs, length = divided(iterations)
    assert 0 <= iterations - epochs * length < length <= OWN_EPOCH
    assert epochs >= min(iterations, EPOCHS // 2)


def test_nothing_fits_into_no_time_but_one_iteration():
    assert divided(-3) == divided(0) == (1, 1)


class _Clocked:
    """A trainer whose iterations take as long as is said, by a clock of its own."""

    def __init__(self, clock, step, validation):
        self.device, self.clock = torch.device("cpu"), clock
        self.took = {"train_step": step, "validation_step": validation}
        self.dataloader_train = self.dataloader_val = iter(lambda: {}, None)
        self.calls = []

    def _pass(self, name):
        self.clock.now += self.took.get(name, 100)  # what is not timed may take long
        self.calls.append(name)

    def __getattr__(self, name):
        return lambda *_: self._pass(name)


@pytest.mark.parametrize(("step", "timed"), [(0.1, 10), (0.5, 10), (30.0, 3)])
def test_as_many_iterations_as_fit_beside_the_validations_of_the_epochs(monkeypatch, step, timed):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(training, "_clock", lambda device: lambda: clock.now)
    trainer = _Clocked(clock, step, 0.2)
    schedule = schedule_of(Wanted(minutes=20), lambda: trainer)
    assert schedule == divided(int((20 * 60 - EPOCHS * 0.2) / step + 1e-6))
    assert trainer.calls.count("train_step") == training.WARMING + timed
    assert trainer.calls[0] == "on_train_start"
    assert trainer.calls[-1] == "on_train_end"


def test_iterations_that_are_said_are_not_timed():
    assert schedule_of(Wanted(iterations=120), lambda: pytest.fail("timed")) == (40, 3)


def _fails_in(folders):
    with with_variables(folders):
        assert {name: os.environ[name] for name in folders} == folders
        raise KeyError


def test_variables_are_as_they_were(monkeypatch, tmp_path):
    folders = folders_in(tmp_path)
    assert folders["nnUNet_raw"] == str(tmp_path / "raw")
    monkeypatch.setenv("nnUNet_raw", "mine")
    monkeypatch.delenv("nnUNet_results", raising=False)
    before = dict(os.environ)
    with pytest.raises(KeyError):
        _fails_in(folders)
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "--minutes or --iterations: give one of them"),
        ({"minutes": 1, "iterations": 1}, "--minutes or --iterations: give one of them"),
        ({"minutes": 0}, "--minutes: expected a number, above 0"),
        ({"iterations": 1.5}, "--iterations: expected a whole number, 1 or more, got 1.5"),
        ({"minutes": 1, "labeled_cases": 0}, "--labeled_cases: expected a whole number"),
        ({"minutes": 1, "mirroring": "no"}, "--mirroring: expected True or False"),
    ],
)
def test_what_cannot_be_is_named(options, message):
    with pytest.raises(InputError, match=message):
        Wanted(**options)


def test_the_extra_is_named_where_it_is_missing_before_anything_is_made(
    tiny_phantom, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "nnunetv2", None)
    output = tmp_path / "run"
    message = r"^nnU-Net itself needs .*: pip install .* \"nnunetv2>=2\.8,<2\.9\"$"
    with pytest.raises(InputError, match=message):
        train_nnunet(tiny_phantom, output, wanted=Wanted(iterations=1))
    words = ["nnunet", tiny_phantom.parent, "--iterations", "1", "--output_dir", output]
    assert "nnunetv2>=2.8,<2.9" in refused(monkeypatch, capsys, *words)
    assert not output.exists()
