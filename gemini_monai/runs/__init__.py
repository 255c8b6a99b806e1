"""Runs: what their folder holds, what they were, and by which settings they may go on."""

from __future__ import annotations

from gemini_monai.runs.expectation import too_little
from gemini_monai.runs.folder import (
    RunFolder,
    add_arm,
    arm_name,
    check_run,
    close_run,
    open_run,
    refuse_tests,
)
from gemini_monai.runs.identity import lasting, refuse_other_settings, training_identity
from gemini_monai.runs.matching import MATCHING, pairs_match
from gemini_monai.runs.record import read_record, refuse_other_purpose, run_settings
from gemini_monai.runs.settings import check_device, check_settings

__all__ = [
    "MATCHING",
    "RunFolder",
    "add_arm",
    "arm_name",
    "check_device",
    "check_run",
    "check_settings",
    "close_run",
    "lasting",
    "open_run",
    "pairs_match",
    "read_record",
    "refuse_other_purpose",
    "refuse_other_settings",
    "refuse_tests",
    "run_settings",
    "too_little",
    "training_identity",
]
