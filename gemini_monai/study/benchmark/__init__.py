"""Several systems under one protocol: the grid, its engine, and what it comes to."""

from __future__ import annotations

from gemini_monai.study.benchmark.grid import BASELINES, Question
from gemini_monai.study.benchmark.outcome import Outcome, read_outcome
from gemini_monai.study.benchmark.result_table import cells, failures
from gemini_monai.study.benchmark.results import Row
from gemini_monai.study.benchmark.run import Run
from gemini_monai.study.benchmark.tuning import Trial, read_trials, trial_runs, tuned
from gemini_monai.study.benchmark.variants import PRESETS, variants_of
from gemini_monai.study.benchmark.workflow import run_grid
from gemini_monai.study.benchmark.writing import refuse_foreign, write_results

__all__ = [
    "BASELINES",
    "PRESETS",
    "Outcome",
    "Question",
    "Row",
    "Run",
    "Trial",
    "cells",
    "failures",
    "read_outcome",
    "read_trials",
    "refuse_foreign",
    "run_grid",
    "trial_runs",
    "tuned",
    "variants_of",
    "write_results",
]
