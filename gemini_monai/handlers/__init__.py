"""Handlers: what watches a training or a test, saves it and tells of it."""

from __future__ import annotations

from gemini_monai.handlers.checkpoint import RunCheckpoint
from gemini_monai.handlers.examples import PretrainingExamples
from gemini_monai.handlers.expected_time import ExpectedTime
from gemini_monai.handlers.history import History
from gemini_monai.handlers.monitor import CorrespondenceMonitor
from gemini_monai.handlers.probe import ProbeCurve
from gemini_monai.handlers.progress import TrainingProgress
from gemini_monai.handlers.provenance import data_facts, peak_memory_mib, process_facts
from gemini_monai.handlers.run_handlers import RunHandlers
from gemini_monai.handlers.run_record import RunRecord
from gemini_monai.handlers.segmentation_scores import SegmentationScores

__all__ = [
    "CorrespondenceMonitor",
    "ExpectedTime",
    "History",
    "PretrainingExamples",
    "ProbeCurve",
    "RunCheckpoint",
    "RunHandlers",
    "RunRecord",
    "SegmentationScores",
    "TrainingProgress",
    "data_facts",
    "peak_memory_mib",
    "process_facts",
]
