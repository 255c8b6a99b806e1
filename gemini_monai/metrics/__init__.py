"""Metrics that MONAI does not have in this meaning."""

from __future__ import annotations

from gemini_monai.metrics.calibration import calibration_errors
from gemini_monai.metrics.correspondence import (
    correspondence_error,
    inverse_error,
    true_displacement,
)
from gemini_monai.metrics.dice import dice_per_structure
from gemini_monai.metrics.features import effective_rank
from gemini_monai.metrics.folding import folding_percent, log_jacobian_std
from gemini_monai.metrics.statistics import mean_and_deviation
from gemini_monai.metrics.surface import SurfaceScores, average_surface_distance, surface_scores

__all__ = [
    "SurfaceScores",
    "average_surface_distance",
    "calibration_errors",
    "correspondence_error",
    "dice_per_structure",
    "effective_rank",
    "folding_percent",
    "inverse_error",
    "log_jacobian_std",
    "mean_and_deviation",
    "surface_scores",
    "true_displacement",
]
