"""A run folder as dataclasses: what was recorded, what it comes to, and what can be shown."""

from __future__ import annotations

from gemini_monai.report.read.case_scores import per_case, per_structure
from gemini_monai.report.read.paired_statistics import (
    PairedDifference,
    paired_difference,
    summarize,
)
from gemini_monai.report.read.run_contents import RunContents
from gemini_monai.report.read.run_reading import read_run, read_test, read_validation

__all__ = [
    "PairedDifference",
    "RunContents",
    "paired_difference",
    "per_case",
    "per_structure",
    "read_run",
    "read_test",
    "read_validation",
    "summarize",
]
