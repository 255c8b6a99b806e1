"""Run folders that the tests of the report read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.report.synthetic_run import write_run


@pytest.fixture(scope="session")
def run_2d(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 2-D run with a supervised arm; read only."""
    return write_run(tmp_path_factory.mktemp("runs") / "run_2d")


@pytest.fixture(scope="session")
def run_3d(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 3-D run with a supervised arm; read only."""
    return write_run(tmp_path_factory.mktemp("runs") / "run_3d", shape=(20, 24, 16), cases=4)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run without a supervised arm that a test may damage."""
    return write_run(tmp_path / "run", shape=(24, 24), cases=3, iterations=12, supervised=False)


@pytest.fixture
def compared(tmp_path: Path) -> Path:
    """A run with two arms beside its own, of which the second registered pairs, too."""
    run = write_run(tmp_path / "run", cases=3, iterations=12)
    write_run(run / "gvsl", cases=3, iterations=12, method="GVSL", supervised=False)
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"compare": ["supervised", "gvsl"]}))
    return run
