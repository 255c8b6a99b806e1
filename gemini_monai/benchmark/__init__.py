"""Several systems under one protocol: the grid, its engine, and what it comes to."""

from __future__ import annotations

from gemini_monai.benchmark.grid import BASELINES, Question, Run
from gemini_monai.benchmark.page import cells, failures, write_results
from gemini_monai.benchmark.results import Row, rows
from gemini_monai.benchmark.workflow import run_grid

__all__ = [
    "BASELINES",
    "Question",
    "Row",
    "Run",
    "cells",
    "failures",
    "rows",
    "run_grid",
    "write_results",
]
