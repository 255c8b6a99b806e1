"""Engines: training through objectives, its handlers, evaluation and registration."""

from __future__ import annotations

from gemini_monai.engines.checkpoint import RunCheckpoint
from gemini_monai.engines.evaluation import SegmentationScores
from gemini_monai.engines.examples import PretrainingExamples
from gemini_monai.engines.history import History
from gemini_monai.engines.monitor import CorrespondenceMonitor
from gemini_monai.engines.progress import TestProgress, TrainingProgress
from gemini_monai.engines.record import RunRecord
from gemini_monai.engines.registration import Registration, RegistrationTest, register
from gemini_monai.engines.schedule import CosineDecay
from gemini_monai.engines.trainer import NonFiniteLossError, ObjectiveTrainer

__all__ = [
    "CorrespondenceMonitor",
    "CosineDecay",
    "History",
    "NonFiniteLossError",
    "ObjectiveTrainer",
    "PretrainingExamples",
    "Registration",
    "RegistrationTest",
    "RunCheckpoint",
    "RunRecord",
    "SegmentationScores",
    "TestProgress",
    "TrainingProgress",
    "register",
]
