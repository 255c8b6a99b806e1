"""Several systems under one protocol: the grid, its engine, and what it comes to."""

from __future__ import annotations

from gemini_monai.base.moved import renamed
from gemini_monai.study.benchmark.budget import (
    Budget,
    budget_of,
    probing_runs,
    waiting_arms,
    with_budget,
)
from gemini_monai.study.benchmark.fold_sets import with_folds
from gemini_monai.study.benchmark.grid import BASELINES, GridSpec
from gemini_monai.study.benchmark.grid_cells import grid_runs
from gemini_monai.study.benchmark.grid_results import GridResults, read_grid_results
from gemini_monai.study.benchmark.grid_run import GridRun
from gemini_monai.study.benchmark.result_rows import ResultRow
from gemini_monai.study.benchmark.result_table import cells, failures
from gemini_monai.study.benchmark.start_verdict import verdict
from gemini_monai.study.benchmark.tuning import Trial, read_trials, trial_runs, tuned
from gemini_monai.study.benchmark.variants import PRESETS, variants_of
from gemini_monai.study.benchmark.workflow import refuse_without_engine, run_grid
from gemini_monai.study.benchmark.writing import refuse_foreign, write_results

__all__ = [
    "BASELINES",
    "PRESETS",
    "Budget",
    "GridResults",
    "GridRun",
    "GridSpec",
    "ResultRow",
    "Trial",
    "budget_of",
    "cells",
    "failures",
    "grid_runs",
    "probing_runs",
    "read_grid_results",
    "read_trials",
    "refuse_foreign",
    "refuse_without_engine",
    "run_grid",
    "trial_runs",
    "tuned",
    "variants_of",
    "verdict",
    "waiting_arms",
    "with_budget",
    "with_folds",
    "write_results",
]

__getattr__ = renamed(
    __name__,
    {
        "Outcome": "GridResults",
        "Question": "GridSpec",
        "Row": "ResultRow",
        "Run": "GridRun",
        "read_outcome": "read_grid_results",
    },
    globals(),
)
