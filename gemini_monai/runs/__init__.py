"""Runs: what their folder holds, what they were, and by which settings they may go on."""

from __future__ import annotations

from gemini_monai.runs.alike import agreed, refuse_unlike, whole_structures_told
from gemini_monai.runs.expectation import too_little
from gemini_monai.runs.folder import FOLDERS, RunFolder, add_arm, arm_name, is_arm_name
from gemini_monai.runs.identity import lasting, refuse_other_settings, training_identity
from gemini_monai.runs.listing import files_to_write, go_on
from gemini_monai.runs.matching import MATCHING, pairs_match
from gemini_monai.runs.opening import check_run, close_run, open_run, put_back
from gemini_monai.runs.ownership import MARK, refuse_later
from gemini_monai.runs.record import read_record, refuse_other_purpose, run_settings
from gemini_monai.runs.replacement import recover_for_reading, settle
from gemini_monai.runs.rewriting import refuse_tests, rewriting
from gemini_monai.runs.rounds import SEEN, refuse_absent_round, refuse_other_round, round_of
from gemini_monai.runs.settings import check_device, check_settings, check_written

__all__ = [
    "FOLDERS",
    "MARK",
    "MATCHING",
    "SEEN",
    "RunFolder",
    "add_arm",
    "agreed",
    "arm_name",
    "check_device",
    "check_run",
    "check_settings",
    "check_written",
    "close_run",
    "files_to_write",
    "go_on",
    "is_arm_name",
    "lasting",
    "open_run",
    "pairs_match",
    "put_back",
    "read_record",
    "recover_for_reading",
    "refuse_absent_round",
    "refuse_later",
    "refuse_other_purpose",
    "refuse_other_round",
    "refuse_other_settings",
    "refuse_tests",
    "refuse_unlike",
    "rewriting",
    "round_of",
    "run_settings",
    "settle",
    "too_little",
    "training_identity",
    "whole_structures_told",
]
