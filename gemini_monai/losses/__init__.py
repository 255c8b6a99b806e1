"""The three terms of deformable homeomorphism learning: equations 3, 6 and 7."""

from __future__ import annotations

from gemini_monai.losses.semantic import SemanticSimilarityLoss
from gemini_monai.losses.smoothness import SmoothnessLoss
from gemini_monai.losses.visual import VisualSimilarityLoss

__all__ = ["SemanticSimilarityLoss", "SmoothnessLoss", "VisualSimilarityLoss"]
