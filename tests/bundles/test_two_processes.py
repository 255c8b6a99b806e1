"""The contract under two processes: their own images, the same weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.bundles.contract import CASES
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def in_two_processes(datasets, tmp_path_factory):
    """What two processes say of each case, trained together under gloo."""
    output = tmp_path_factory.mktemp("two") / "found.json"
    names = {dims: str(path) for dims, path in datasets.items()}
    places = [json.dumps(names), str(output), str(output.parent)]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc_per_node=2", "-m", "tests.bundles.two_processes", *places]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(output.read_text())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_two_processes_stay_equal(in_two_processes, case):
    found = in_two_processes[str(case)]
    assert found == {"other_images": True, "equal_at_the_end": True, "moved": True}
