"""A process that stops, dies or hangs ends the others with a line that names it."""

from __future__ import annotations

import os
import socket
import subprocess
from datetime import timedelta

import pytest

from gemini_monai.engines.processes import LONGEST, PATIENCE
from gemini_monai.engines.pulse import Sign
from tests.conftest import ROOT
from tests.preloaded import interpreter


def _started(rank, count, port, *arguments):
    places = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "PYTHONPATH": str(ROOT)}
    known = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count)}
    return subprocess.Popen(
        [interpreter(), "-m", "tests.engines.together", *map(str, arguments)],
        env=os.environ | places | known | {"OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


FAULTS = [
    (1, "waiting", "stops", 2),
    (0, "waiting", "stops", 2),  # it keeps the signs of life, too
    (1, "training", "stops", 2),
    (2, "training", "stops", 3),
    (1, "training", "hangs", 2),
    (1, "training", "dies", 2),
]
WORKS = (1, "training", "works", 2)
PATIENCES = dict.fromkeys(FAULTS, 8.0) | {WORKS: 120.0}


@pytest.fixture(scope="module")
def ends():
    """Exit code, output and errors of every process but the faulty one; all cases at once."""
    groups = {case: _group(*case, PATIENCES[case]) for case in PATIENCES}
    try:
        return {
            case: [
                (process.wait(timeout=240), *process.communicate())
                for rank, process in enumerate(group)
                if rank != case[0]
            ]
            for case, group in groups.items()
        }
    finally:
        for process in (process for group in groups.values() for process in group):
            process.kill()
            process.communicate()


def _group(faulty, where, kind, count, patience):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [_started(k, count, port, faulty, where, kind, patience) for k in range(count)]


@pytest.mark.parametrize("case", FAULTS, ids=str)
def test_the_others_end_and_name_it(ends, case):
    for code, output, errors in ends[case]:
        assert code == 1, errors
        assert "to the end" not in output
        (line,) = [line for line in errors.splitlines() if line.startswith("error: ")]
        assert f"rank {case[0]} (" in line
        assert "start all of them again, with --resume True" in line
        assert "Traceback" not in errors


def test_those_that_only_take_their_time_come_to_the_end(ends):
    assert [(code, output.strip()) for code, output, _ in ends[WORKS]] == [(0, "to the end")]


def test_a_sign_is_read_as_it_is_written():
    sign = Sign(3, 7, "process 12 on a host of ours")
    assert Sign.read(str(sign)) == sign
    with pytest.raises(ValueError):
        Sign.read("something else")


def test_the_page_says_how_long_they_wait():
    page = (ROOT / "docs" / "how_to" / "more_than_one_gpu.md").read_text()
    assert f"{PATIENCE / timedelta(minutes=1):g} minutes" in page
    assert f"{LONGEST / timedelta(days=1):g} days" in page
    assert "--train#together#patience_minutes" in page
