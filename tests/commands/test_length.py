"""``--minutes``: as many epochs as they hold, by what an iteration was measured to take."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace

import pytest

from gemini_monai.commands import length
from tests.commands.calls import becomes, call, refused

SECONDS = {"iteration": 0.1, "validation": 1.0}


@pytest.fixture
def measured(monkeypatch):
    calls = []

    def measure(own):
        calls.append(own)
        return SECONDS

    monkeypatch.setattr(length, "measured", measure)
    return calls


@pytest.mark.parametrize(
    ("words", "epochs"),
    [
        ([], 60 / (50 * 0.1 + 1)),
        (["--epoch_length", "20"], 60 / (20 * 0.1 + 1)),
        (["--val_interval", "4"], 60 / (50 * 0.1 + 1 / 4)),
    ],
)
def test_epochs_are_those_that_the_minutes_hold(monkeypatch, capsys, measured, words, epochs):
    found = becomes(monkeypatch, "train", "semi", "--method", "bcp", "--minutes", 1, *words)
    assert found[found.index("--epochs") + 1] == str(round(epochs))
    assert found[0] == "training"
    assert measured[0].name == "timing"
    assert f"so {round(epochs)} epochs of" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("minutes", "words", "alone"),
    [
        (1.9, [], True),
        (2, [], False),  # 20 epochs of 50 iterations
        (0.5, ["--method", "bcp"], False),
        (0.5, ["--pairs_interval", "4"], False),
        (0.5, ["--pretrained", "models/chest_xray"], False),
        (0.5, ["--rotation_degrees", "5"], True),
    ],
)
def test_few_iterations_go_to_labels_alone(monkeypatch, capsys, measured, minutes, words, alone):
    found = becomes(monkeypatch, "train", "semi", "--minutes", minutes, *words)
    assert ("method_supervised.json" in str(found)) == alone
    assert ("learns from labels alone" in capsys.readouterr().out) == alone
    assert len(measured) == 1 + alone


@pytest.mark.parametrize(("axes", "alone"), [(2, False), (3, True)])
def test_volumes_want_more_iterations(monkeypatch, capsys, measured, tmp_path, axes, alone):
    (tmp_path / "dataset.json").write_text(f'{{"spatial_dims": {axes}}}', encoding="utf8")
    found = becomes(monkeypatch, "train", "semi", tmp_path, "--minutes", 3)
    assert ("method_supervised.json" in str(found)) == alone
    assert ("copy-paste wants 2,000 iterations" in capsys.readouterr().out) == alone


def test_labels_alone_are_not_compared_with_themselves(monkeypatch, measured):
    words = ["--minutes", 1, "--compare", "['supervised','bcp']"]
    found = becomes(monkeypatch, "train", "semi", *words)
    given = [found[k + 1] for k, word in enumerate(found) if word == "--compare"]
    assert given[-1] == "['bcp']"


def test_fine_tuning_takes_minutes_too(monkeypatch, measured):
    found = becomes(monkeypatch, "finetune", "--pretrained", "none", "--minutes", "0.001")
    assert found[found.index("--epochs") + 1] == "1"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--minutes", "5", "--epochs", "3"], "leave out --epochs"),
        (["--minutes", "5", "--resume", "True"], "leave out --resume"),
        (["--minutes", "0"], "--minutes: expected a number, above 0, got 0"),
        (["--minutes", "soon"], "--minutes: expected a number, above 0, got 'soon'"),
        (["--minutes", "5", "--epohcs", "3"], "epochs"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_measured(
    monkeypatch, capsys, measured, words, message
):
    assert message in refused(monkeypatch, capsys, "train", "semi", *words)
    assert not measured


def test_what_goes_wrong_while_measuring_is_told(monkeypatch, capsys):
    broken = SimpleNamespace(stdout="", stderr="much\nerror: key 'x': no such image\n")
    monkeypatch.setattr(subprocess, "run", lambda *words, **options: broken)
    told = refused(monkeypatch, capsys, "train", "semi", "--minutes", "1")
    assert told.endswith("error: key 'x': no such image")


def test_without_minutes_nothing_is_measured(monkeypatch, measured):
    monkeypatch.setattr("gemini_monai.commands.monai_call.become", lambda words: None)
    call(monkeypatch, "train", "semi")
    assert not measured
