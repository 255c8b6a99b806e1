"""Losses: equations 3, 6 and 7, and dense contrast."""

from __future__ import annotations

from gemini_monai.losses.contrastive import PointContrastLoss
from gemini_monai.losses.semantic import SemanticSimilarityLoss
from gemini_monai.losses.smoothness import SmoothnessLoss
from gemini_monai.losses.visual import VisualSimilarityLoss

__all__ = [
    "PointContrastLoss",
    "SemanticSimilarityLoss",
    "SmoothnessLoss",
    "VisualSimilarityLoss",
]
