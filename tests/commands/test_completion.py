"""A shell completes what the parser knows, and the knobs that it passes on."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from gemini_monai.commands.completion import SHELLS
from tests.commands.calls import call
from tests.conftest import ROOT

TRY = """
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _shtab_gemini; printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def script(monkeypatch, capsys):
    """Of a shell, made in the root of the clone."""

    def made(shell):
        monkeypatch.chdir(ROOT)
        call(monkeypatch, "completion", shell)
        return capsys.readouterr().out

    return made


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_knows_commands_and_knobs(script, shell):
    text = script(shell)
    assert all(word in text for word in ("landmark", "--method", "--learning_rate"))


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash is here")
def test_bash_completes_commands_options_knobs_and_files(script, tmp_path):
    (tmp_path / "scans").mkdir()
    text = script("bash")
    expected = {
        ("tr",): ["train", "trust"],
        ("train", ""): ["semi", "mip"],
        ("train", "semi", "--learn"): ["--learning_rate"],
        ("segment", "--learn"): [""],
        ("segment", "--flip"): ["--flips"],
        ("segment", "sc"): ["scans"],
        ("completion", "z"): ["zsh"],
    }
    for words, found in expected.items():
        done = subprocess.run(
            ["bash", "-c", text + TRY, "bash", "gemini", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines() == found, words
