"""Pages with commands and code in fences, run in a working directory as a person would."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.bundles.runs import FINE, SMALL, overrides_of
from tests.conftest import ROOT
from tests.preloaded import interpreter

FENCE = re.compile(r"<!-- (command|file): (\S+) -->\n```(\w+)\n(.*?)^```", re.M | re.S)
SHIM = """#!/bin/sh
case "$1 $2" in
    "train semi") set -- "$@" {semi} ;;
    "train mip" | finetune*) set -- "$@" {mip} ;;
esac
exec {python} -m gemini_monai "$@"
"""
"""The command ``gemini``, whose trainings are small."""
PYTHON = """#!/bin/sh
case "$*" in
    "-m monai.bundle run training"*gemini_semi/*) set -- "$@" {semi} ;;
esac
exec {python} "$@"
"""
"""``python``, whose trainings of GEMINI-Semi are small."""


class Page:
    """A page of Markdown. Fences follow ``<!-- command: NAME -->`` or ``<!-- file: NAME -->``."""

    def __init__(self, path):
        self.text = Path(path).read_text()
        self.fences = {(kind, name): body for kind, name, _, body in FENCE.findall(self.text)}
        unmarked = len(re.findall(r"^```bash$", self.text, re.M)) - len(self.commands())
        assert not unmarked, f"{path}: {unmarked} fences of bash that no test runs"

    def commands(self):
        return [name for kind, name in self.fences if kind == "command"]

    def write_files(self, place):
        for (kind, name), body in self.fences.items():
            if kind == "file":
                (place / name).write_text(body)
        return self

    def code(self):
        """Python that is no file, in its order."""
        files = {body for (kind, _), body in self.fences.items() if kind == "file"}
        return [body for body in _python(self.text) if body not in files]

    def run(self, name, place, package=ROOT):
        """What the commands of a fence print."""
        return self.run_line(self.fences["command", name], place, package=package)

    @staticmethod
    def run_line(text, place, python=None, package=ROOT):
        """What a line prints; ``python`` is preloaded with ``package`` unless one is given."""
        python = shlex.quote(python or interpreter(package))
        tools = place / ".tools"
        tools.mkdir(exist_ok=True)
        small = {"semi": shlex.join(overrides_of(SMALL)), "mip": shlex.join(overrides_of(FINE))}
        (tools / "gemini").write_text(SHIM.format(python=python, **small))
        (tools / "python").write_text(PYTHON.format(python=python, **small))
        for tool in tools.iterdir():
            tool.chmod(0o755)
        found = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{package}:{place}"}
        found |= {"PATH": f"{tools}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=place,
            env=found,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-3000:]
        return done.stdout

    @staticmethod
    def execute(code, place):
        """Names that some lines of Python leave."""
        names = {}
        here = Path.cwd()
        os.chdir(place)
        sys.path.insert(0, str(place))
        try:
            exec(code, names)
        finally:
            os.chdir(here)
            sys.path.remove(str(place))
        return names


def _python(text):
    return re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
