"""Calls of a command in this process."""

from __future__ import annotations

import json
import os
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
    monkeypatch.setattr(os, "execv", lambda path, words: found.append(words))
    call(monkeypatch, *arguments)
    assert found[0][:4] == [sys.executable, "-m", "monai.bundle", "run"]
    return found[0][4:]


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


def used_run(folder, **record):
    """Folder of a run that has a record and nothing else."""
    folder.mkdir(parents=True)
    content = {"task": "segmentation", "bundle": "gemini_mip", "registers": True} | record
    (folder / "run.json").write_text(json.dumps(content))
    return folder
