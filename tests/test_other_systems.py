"""The package where Windows' lacks and refusals are, and nothing of POSIX."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.conftest import ROOT

TRIED = """
import limits, sys
from pathlib import Path
place = Path(sys.argv[1])
(place / "a").write_text("x")

def tried(code):
    try:
        code = compile(code, f"{limits.OWN}/any.py", "exec")
        exec(code, {"__name__": "gemini_monai.any", "place": place, "Path": Path})
    except Exception as error:
        print(type(error).__name__, end=" ")
    else:
        print("fine", end=" ")

"""
CODE = {
    "import resource": "ModuleNotFoundError",
    "import os; os.fork": "AttributeError",
    "import os; os.kill": "AttributeError",
    "import os; os.path.join('a'); assert os.name == 'nt'": "fine",
    "import sys; assert sys.platform == 'win32'": "fine",
    "Path('/proc/self/status').read_text()": "FileNotFoundError",
    "assert not Path('/proc/self/status').exists()": "fine",
    "import os; f = (place / 'a').open('rb'); os.fsync(f.fileno())": "OSError",
    "import os; f = (place / 'a').open('r+b'); os.fsync(f.fileno())": "fine",
    "f = (place / 'a').open(); (place / 'a').replace(place / 'b')": "PermissionError",
    "f = (place / 'a').open(); place.rename(place.with_name('c'))": "PermissionError",
    "(place / 'a').replace(place / 'b'); (place / 'b').replace(place / 'a')": "fine",
    "(place / 'a:b').write_text('x')": "OSError",
    "(place / 'd').symlink_to(place / 'a')": "PermissionError",
    "import multiprocessing as m; m.get_context('fork')": "ValueError",
}


def run(folder, *words):
    """A Python with the limits, whose output is in a code page of Windows."""
    paths = os.pathsep.join([str(ROOT / "tests" / "elsewhere"), str(ROOT)])
    found = os.environ | {"PYTHONPATH": paths, "GEMINI_ELSEWHERE": str(folder), "USERNAME": "nina"}
    return subprocess.run(
        [sys.executable, *words, str(folder)],
        cwd=ROOT,
        env=found | {"PYTHONIOENCODING": "cp1252", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        encoding="cp1252",
        timeout=1200,
    )


def test_the_limits_hold(tmp_path):
    code = TRIED + "\n".join(f"tried({line!r})" for line in CODE)
    done = run(tmp_path, "-c", code)
    assert done.stdout.split() == list(CODE.values()), done.stderr[-2000:]


def test_data_trainings_page_and_masks_are_made_within_them(tmp_path):
    done = run(tmp_path, "-m", "tests.elsewhere.session")
    assert done.returncode == 0, done.stderr[-3000:]
    lines = done.stdout.splitlines()
    for line in ("resumed 4 1", "replaced 4 False", "page 0", "segment 0", "masks 8", "peak True"):
        assert line in lines
    assert any(line.startswith("refused ") and "--resume True goes on" in line for line in lines)
    assert "Traceback" not in done.stderr
