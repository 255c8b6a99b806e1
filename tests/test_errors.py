"""A user's error in a command that is not ours."""

from __future__ import annotations

import subprocess
import sys

from gemini_monai.errors import InputError, input_error_in

SCRIPT = """
from gemini_monai.errors import InputError, install_hook
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


def test_a_thread_that_still_works_does_not_change_the_exit_code():
    loading = (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "from gemini_monai.errors import InputError, install_hook\n"
        "install_hook()\n"
        "raise InputError('a.nii.gz: no such file')"
    )
    command = [sys.executable, "-c", loading]
    result = subprocess.run(command, capture_output=True, text=True, timeout=40)
    assert (result.returncode, result.stderr) == (1, "error: a.nii.gz: no such file\n")


def test_an_interactive_session_stays():
    lines = "import sys\nfrom gemini_monai.errors import InputError, install_hook\n"
    lines += "install_hook()\nraise InputError('x')\nprint('still', 'here')\n"
    command = [sys.executable, "-i", "-q"]
    result = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=60)
    assert "error: x" in result.stderr
    assert "still here" in result.stdout


def test_any_other_error_keeps_its_traceback():
    result = _run("KeyError('x')")
    assert result.returncode == 1
    assert "Traceback" in result.stderr
    assert "KeyError" in result.stderr


def test_the_cause_is_found_through_circles():
    outer, inner = RuntimeError("outer"), KeyError("inner")
    outer.__cause__, inner.__cause__ = inner, outer
    assert input_error_in(outer) is None
    inner.__cause__ = InputError("found")
    assert str(input_error_in(outer)) == "found"
