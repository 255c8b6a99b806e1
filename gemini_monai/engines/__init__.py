"""Engines: training through objectives, evaluation, and the course of the learning rate."""

from __future__ import annotations

from gemini_monai.engines.evaluator import SegmentationEvaluator
from gemini_monai.engines.precision import autocast_options, on_gpu
from gemini_monai.engines.schedule import CosineDecay
from gemini_monai.engines.trainer import NonFiniteLossError, ObjectiveTrainer

__all__ = [
    "CosineDecay",
    "NonFiniteLossError",
    "ObjectiveTrainer",
    "SegmentationEvaluator",
    "autocast_options",
    "on_gpu",
]
