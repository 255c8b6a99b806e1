"""An empty word, as of a shell variable that is not set, is refused by every command."""

from __future__ import annotations

import argparse

import pytest

from gemini_monai.commands.parser import build_parser
from tests.commands.calls import leaves, refused
from tests.conftest import ROOT


def _free(action):
    """Whether it takes a word of a person's choice."""
    return action.nargs != 0 and not action.choices and action.dest != "help"


def _calls():
    """Every command with one of its values empty, and how that value is called."""
    for words, command in leaves(build_parser()):
        free = [action for action in command._actions if _free(action)]
        needed = [a for a in free if a.required and a.nargs not in ("*", argparse.REMAINDER)]
        for empty in free:
            if empty.default == "":
                continue
            given = []
            for action in [*needed, *([] if empty in needed else [empty])]:
                value = "" if action is empty else "x"
                given += [f"{option}={value}" for option in action.option_strings[:1]] or [value]
            name = (empty.option_strings or [empty.metavar])[0]
            yield pytest.param([*words, *given], name, id=" ".join([*words, name]))


@pytest.mark.parametrize(("words", "name"), list(_calls()))
@pytest.mark.parametrize("empty", ["", "  "])
def test_no_value_is_empty(monkeypatch, capsys, tmp_path, words, name, empty):
    monkeypatch.chdir(tmp_path)
    words = [word + empty if word == "" or word.endswith("=") else word for word in words]
    assert refused(monkeypatch, capsys, *words) == (
        f"error: {name}: is empty; is a variable of the shell not set?"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        ["train", "semi", "--output_dir", ""],
        ["train", "mip", "--output_dir="],
        ["finetune", "--pretrained", "none", "--output_dir", " "],
        ["segment", "run", "images", "out", "--output_dir", ""],
        ["register", "run", "a.nii", "b.nii", "out", "--epochs", "3", "--output_dir="],
        ["cost", "semi", "--output_dir", ""],
    ],
)
def test_no_value_of_a_key_is_empty(monkeypatch, capsys, tmp_path, words):
    monkeypatch.chdir(tmp_path)
    told = refused(monkeypatch, capsys, *words)
    assert told == "error: --output_dir: is empty; is a variable of the shell not set?"


@pytest.mark.parametrize("key", ["train#trainr#amp", "train::trainer::amq", "epochs#x"])
def test_a_mistyped_key_inside_of_another_is_named(monkeypatch, capsys, key):
    monkeypatch.chdir(ROOT)
    told = refused(monkeypatch, capsys, "train", "semi", f"--{key}", "True")
    assert f"the configuration has no key '{key.replace('::', '#')}'; did you mean" in told


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", "not a configuration: expected keys, found [1]"),
        ("{", "not a configuration: Expecting property name"),
        ('{"train#trainr#amp": 1}', "no key 'train#trainr#amp'; did you mean 'train#trainer#amp'"),
        ('{"trainr#x": {"a": 1}}', "no key 'trainr#x'; did you mean 'train'?"),
        ('{"+epochs": 3}', "key '+epochs': '+' adds dictionaries or lists"),
    ],
)
def test_an_overlay_that_cannot_be_is_named(monkeypatch, capsys, tmp_path, content, message):
    monkeypatch.chdir(ROOT)
    (tmp_path / "own.json").write_text(content)
    told = refused(monkeypatch, capsys, "train", "semi", "--overlay", tmp_path / "own.json")
    assert f"{tmp_path}/own.json: " in told
    assert message in told
