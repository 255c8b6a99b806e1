"""A user's error in a command that is not ours."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gemini_monai.base.errors import InputError, input_error_in, one_line, show_error

SCRIPT = """
from gemini_monai.base.errors import InputError, install_hook
install_hook()
try:
    raise {error}
except Exception as error:
    raise RuntimeError("wrapped") from error
"""


def _run(error):
    command = [sys.executable, "-c", SCRIPT.format(error=error)]
    return subprocess.run(command, capture_output=True, text=True)


def test_an_input_error_is_one_line_however_wrapped():
    result = _run("InputError('a.nii.gz: no such file')")
    assert result.returncode == 1
    assert result.stderr == "error: a.nii.gz: no such file\n"


@pytest.mark.parametrize("name", ["new\nline", "a\rb", "\x1b[2Ja", "a\u2028b", "\udce9"])
def test_a_files_name_never_breaks_the_line(name, capsys):
    for error in (InputError(f"/data/{name}.nii: bad"), FileNotFoundError(2, "No such file", name)):
        assert show_error(error) == 1
        told = capsys.readouterr().err
        assert told.startswith("error: ")
        assert told.removesuffix("\n").isprintable()
        assert repr(name)[1:-1] in told


def test_a_thread_that_still_works_does_not_change_the_exit_code():
    loading = (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "from gemini_monai.base.errors import InputError, install_hook\n"
        "install_hook()\n"
        "raise InputError('a.nii.gz: no such file')"
    )
    command = [sys.executable, "-c", loading]
    result = subprocess.run(command, capture_output=True, text=True, timeout=40)
    assert (result.returncode, result.stderr) == (1, "error: a.nii.gz: no such file\n")


def test_an_interactive_session_stays():
    lines = "import sys\nfrom gemini_monai.base.errors import InputError, install_hook\n"
    lines += "install_hook()\nraise InputError('x')\nprint('still', 'here')\n"
    command = [sys.executable, "-i", "-q"]
    result = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=60)
    assert "error: x" in result.stderr
    assert "still here" in result.stdout


def test_the_traceback_of_what_nobody_foresaw_is_kept_in_a_file():
    result = _run("KeyError('x')")
    assert result.returncode == 1
    line = re.fullmatch(r"error: KeyError: 'x' \(traceback in (.+)\)\n", result.stderr)
    assert "Traceback" in Path(line[1]).read_text()
    Path(line[1]).unlink()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["term", "int"]
)
def test_a_signal_stops_in_one_line(number, code):
    waiting = (
        "import os, signal\n"
        "from gemini_monai.base.errors import install_hook\n"
        "install_hook()\n"
        f"os.kill(os.getpid(), {int(number)})\n"
        "import time; time.sleep(30)"
    )
    command = [sys.executable, "-c", waiting]
    result = subprocess.run(command, capture_output=True, text=True, timeout=40)
    assert (result.returncode, result.stderr) == (code, "error: stopped before the end\n")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(28, "No space left on device", "a.csv"), "a.csv: No space left on device"),
        (MemoryError("900 GiB"), "out of memory: 900 GiB; try a smaller"),
        (RuntimeError("first\nsecond"), "RuntimeError: first"),
        (
            InputError("Caught InputError in worker.\nOriginal Traceback\n  x\ng.E: a: bad"),
            "a: bad",
        ),
    ],
)
def test_every_error_is_one_line(error, line):
    assert one_line(error).startswith(line)
    assert "\n" not in one_line(error)


def test_the_cause_is_found_through_circles():
    outer, inner = RuntimeError("outer"), KeyError("inner")
    outer.__cause__, inner.__cause__ = inner, outer
    assert input_error_in(outer) is None
    inner.__cause__ = InputError("found")
    assert str(input_error_in(outer)) == "found"
