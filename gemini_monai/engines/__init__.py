"""Engines: training through objectives, and the course of its learning rate."""

from __future__ import annotations

from gemini_monai.engines.schedule import CosineDecay
from gemini_monai.engines.trainer import NonFiniteLossError, ObjectiveTrainer

__all__ = ["CosineDecay", "NonFiniteLossError", "ObjectiveTrainer"]
