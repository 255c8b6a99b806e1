"""The preloaded ``python`` does what a real one does, to the letter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.preloaded import interpreter

SEEN = """
import os, sys
print(sys.argv, __name__, sys.path, os.getcwd(), os.environ["WORD"], os.environ.get("HOME"))
print(globals().get("__file__"), vars(sys.modules["__main__"]) is globals())
"""
FAILS = "def inner():\n    raise ValueError('first\\nsecond')\ninner()\n"
LATE = """
import atexit, sys, threading, time
atexit.register(print, "at the end")
threading.Thread(target=lambda: time.sleep(0.1) or print("thread")).start()
sys.stdout.write("out, no newline")
print("error", file=sys.stderr)
"""
WORDS = {
    "code": ["-c", SEEN, "a b", "--x=1", "-c"],
    "script": ["scripts/seen.py", "a b", "-m"],
    "module": ["-m", "tests.seen", "a b", "-m"],
    "package": ["-m", "tests.package", "1"],
    "exit": ["-c", "import sys; sys.exit(3)"],
    "exit with words": ["-c", "import sys; sys.exit('wrong')"],
    "exit at once": ["-c", "import os; print('lost', end=''); os._exit(4)"],
    "unbuffered": [
        "-u",
        "-c",
        "import os, sys; print('kept', end=''); os._exit(len(sys.argv))",
        "x",
    ],
    "failure in code": ["-c", "1 / 0"],
    "failure in a script": ["scripts/fails.py"],
    "failure in a module": ["-m", "tests.fails"],
    "wrong code": ["-c", "1 +"],
    "wrong script": ["scripts/wrong.py"],
    "cause": [
        "-c",
        "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise OSError(2, 'x') from e",
    ],
    "group": ["-c", "raise ExceptionGroup('g', [ValueError(1)])"],
    "interrupt": ["-c", "raise KeyboardInterrupt"],
    "killed": ["-c", "import os; os.kill(os.getpid(), 9)"],
    "own hook": ["-c", "import sys; sys.excepthook = lambda *a: print(a[0]); 1 / 0"],
    "late": ["-c", LATE],
    "input": ["-c", "import sys; print(input(), sys.stdin.read())"],
    "signals": ["-c", "import signal as s; print([s.getsignal(k) for k in (2, 13, 15, 17)])"],
}


@pytest.fixture
def place(tmp_path):
    for name, text in (("seen", SEEN), ("fails", FAILS), ("wrong", "x = 1\nif x\n")):
        for folder in ("scripts", "tests"):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{name}.py").write_text(text)
    (tmp_path / "tests" / "package").mkdir()
    (tmp_path / "tests" / "package" / "__main__.py").write_text(SEEN)
    return tmp_path


def _run(python, words, place, **options):
    environment = os.environ | {"WORD": "a\nword", "PYTHONPATH": f"{place}/x:relative"}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 60} | options
    done = subprocess.run(
        [python, *words], cwd=place, env=environment, input="one\ntwo\n", text=True, **options
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_it_does_what_a_real_one_does(place, words):
    expected = _run(sys.executable, words, place)
    assert _run(interpreter(), words, place) == expected


def test_streams_that_are_one_come_in_the_same_order(place):
    both = {"stderr": subprocess.STDOUT}
    expected = _run(sys.executable, WORDS["late"], place, **both)
    assert _run(interpreter(), WORDS["late"], place, **both) == expected


def test_what_is_ignored_stays_so(place):
    words = [f"trap '' INT; exec {interpreter()} -c '{WORDS['signals'][1]}'"]
    _, printed, _ = _run("bash", ["-c", *words], place)
    assert printed.startswith("[<Handlers.SIG_IGN: 1>")


def test_a_module_that_is_not_there(place):
    code, _, error = _run(interpreter(), ["-m", "tests.absent"], place)
    assert (code, error) == (1, f"{interpreter()}: No module named tests.absent\n")


def test_what_is_known_was_imported_before_and_the_rest_is_a_real_interpreter(place):
    where = "import sys; print('torch' in sys.modules, sys.executable)"
    assert _run(interpreter(), ["-c", where], place)[1] == f"True {interpreter()}\n"
    assert _run(interpreter(), ["-B", "-c", where], place)[1] == f"False {sys.executable}\n"
    assert _run(interpreter(), ["-m", "json.tool", "--help"], place)[0] == 0


def test_it_becomes_another_and_draws_other_numbers(place):
    code = "import os, sys; os.execv(sys.executable, [sys.executable, '-c', sys.argv[1]])"
    draw = "import numpy, random; print(numpy.random.rand(), random.random()); exit(5)"
    first, second = (_run(interpreter(), ["-c", code, draw], place) for _ in range(2))
    assert first[0] == second[0] == 5
    assert first[1] != second[1]


def _waiting(before=""):
    code = f"import os, time\n{before}\nprint(os.getpid(), flush=True)\ntime.sleep(60)"
    process = subprocess.Popen(
        [interpreter(), "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    return process, int(process.stdout.readline())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["int", "term"])
def test_a_signal_reaches_it(number):
    process, _ = _waiting()
    process.send_signal(number)
    error = process.communicate(timeout=30)[1]
    assert process.returncode == -number
    assert ("KeyboardInterrupt" in error) == (number == signal.SIGINT)
    caught = f"import signal, sys\nsignal.signal({int(number)}, lambda *_: sys.exit(7))"
    process, _ = _waiting(caught)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 7


def test_it_ends_with_whoever_started_it():
    process, command = _waiting()
    process.kill()
    process.communicate(timeout=30)
    for _ in range(100):
        if not _alive(command):
            return
        time.sleep(0.1)
    pytest.fail("it goes on")


def _alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
