"""The knobs of a configuration as text: each with its default, what it is, and its range."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import Any

from gemini_monai.base.bundles import bundle_that_trains
from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.base.limits import Check, expected
from gemini_monai.runs.knob_meanings import meaning
from gemini_monai.runs.settings import KNOBS, OF_ONE, USED

SHOWN = "any of them as --name value, nested ones as --train#trainer#amp True"
DERIVED = ("$@spec.", "$@settings['backbone']", "@in_channels", "$@output_dir + '/models")
"""How what follows from the rest is written: no knob, though it can be overridden."""
ARGUMENTS = ("method", "run_dir", "run_dirs", "moving", "fixed", "image", "landmarks")
"""Knobs that are arguments of their command."""
FOUND = {
    "$@cohort.": "the data set's",
    "$@whole.": "as the labels are",
    "$gemini.best_device": "a GPU if there is one",
}
"""What an expression finds, in words, by how it begins."""
WIDTH, INDENT = 80, " " * 6


def knob_sentences(bundle: str, name: str) -> dict[str, str]:
    """What each knob of a configuration is, by the knob.

    Args:
        bundle: Its name.
        name: Of the configuration, such as ``train``.
    """
    content = read_json(_configs(bundle) / f"{name}.json", dict)
    return {key: meaning(key, content) for key in knobs_of(content)}


def knob_help(bundle: str, name: str) -> str:
    """Knobs of a configuration with their defaults, for its help.

    Args:
        bundle: Its name.
        name: Of the configuration, such as ``train``.
    """
    content = read_json(_configs(bundle) / f"{name}.json", dict)
    lines = [f"knobs and their defaults, {SHOWN}:"]
    for key, default in knobs_of(content).items():
        lines.append(f"  {key:<24}{shown(default)}")
        text = f"{meaning(key, content)}. Takes {knob_range(key, content)}."
        lines += wrap(text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)
    return "\n".join(lines)


def knobs_of(content: dict[str, Any]) -> dict[str, Any]:
    """Defaults of the knobs at the top of a configuration.

    Args:
        content: Of the file.
    """
    checks = _checks(content)
    return {
        key: default
        for key, default in content.items()
        if key in checks and key not in ARGUMENTS and not str(default).startswith(DERIVED)
    }


def knob_range(name: str, content: dict[str, Any]) -> str:
    """What a knob takes.

    Args:
        name: Of the knob.
        content: Of its configuration.
    """
    return expected(_checks(content)[name])


def shown(default: Any) -> str:
    """A default as one would type it, or in words where it depends on something.

    Args:
        default: As the configuration has it.
    """
    text = str(default)
    for start, words in FOUND.items():
        if text.startswith(start):
            return words
    if text.startswith("$@settings["):
        return "the run's"
    return "null" if default is None else text.removeprefix("$")


def _device(value: Any, name: str) -> None:
    raise InputError(f"{name}: expected cpu, cuda or another device of PyTorch, got {value!r}")


def _checks(content: dict[str, Any]) -> dict[str, Check]:
    checks = KNOBS | USED | dict.fromkeys(("device", "transforms_on"), _device)
    for mark, own in OF_ONE.items():
        checks |= own if mark in content else {}
    return checks


def _configs(bundle: str) -> Path:
    """Of the bundle that a command would run here."""
    return bundle_that_trains(bundle) / "configs"
