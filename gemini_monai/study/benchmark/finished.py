"""Runs of a grid that are done, by the checkpoint that was tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from gemini_monai.report.read import RunContents, read_run, read_test
from gemini_monai.study.benchmark.grid import GridSpec
from gemini_monai.study.benchmark.grid_cells import NNUNET, grid_runs
from gemini_monai.study.benchmark.grid_run import GridRun

Tests: TypeAlias = Mapping[str, RunContents]
"""A run with the scores of its ``"best"`` checkpoint on validation images, and its ``"last"``."""


def read_tests(spec: GridSpec) -> dict[GridRun, Tests]:
    """Every run of the grid that was tested, in the grid's order.

    A run that reads no validation has its last checkpoint alone, as nnU-Net has, and an atlas
    without a segmenter its best alone.

    Args:
        spec: What was compared.

    Raises:
        InputError: If a file that a finished run left cannot be understood.
    """
    return {run: _tests(run, spec) for run in grid_runs(spec) if run.data and run.is_done}


def declared(spec: GridSpec, tests: Mapping[GridRun, Tests]) -> dict[GridRun, RunContents]:
    """Of each run the checkpoint that the tables are of, or the one that it has.

    Args:
        spec: What was compared.
        tests: What came out of the runs that are done.
    """
    return {
        run: of_run.get(spec.checkpoint) or next(iter(of_run.values()))
        for run, of_run in tests.items()
    }


def _tests(run: GridRun, spec: GridSpec) -> Tests:
    own = read_run(run.folder)
    if spec.reads_no_validation or run.method == NNUNET:
        return {"last": own}
    last = read_test(run.other_test)
    return {"best": own} | ({"last": replace(own, scores=last)} if last else {})
