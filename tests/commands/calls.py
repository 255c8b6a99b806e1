"""Calls of a command in this process."""

from __future__ import annotations

import argparse
import json
import re
import sys

import pytest

from gemini_monai.commands import main


def call(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["gemini", *map(str, arguments)])
    main()


def becomes(monkeypatch, *arguments):
    """Words of the ``monai.bundle run`` that a command becomes."""
    found = []
    monkeypatch.setattr("gemini_monai.commands.monai_call.become", found.append)
    call(monkeypatch, *arguments)
    assert found[0][:3] == ["-m", "monai.bundle", "run"]
    return found[0][3:]


def refused(monkeypatch, capsys, *arguments):
    """The one line that a command ends with."""
    with pytest.raises(SystemExit) as raised:
        call(monkeypatch, *arguments)
    assert raised.value.code == 1
    text = capsys.readouterr().err.strip()
    assert text.startswith("error: ")
    assert "\n" not in text
    return text


def configurations(words):
    """Names of the configurations."""
    text = words[words.index("--config_file") + 1]
    return [name.rsplit("/", 1)[-1] for name in re.findall(r"[^\[\]',]+", text)]


def leaves(parser, words=()):
    """Every command that does something, with its words."""
    inner = [a.choices for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not inner:
        yield words, parser
    for name, command in (inner[0] if inner else {}).items():
        yield from leaves(command, (*words, name))


def used_run(folder, **record):
    """Folder of a run that has a record, an empty file in the place of its weights, and no more."""
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "model.pt").touch()
    content = {"task": "segmentation", "bundle": "gemini_mip", "registers": True} | record
    content.setdefault("settings", {})
    (folder / "run.json").write_text(json.dumps(content))
    return folder
