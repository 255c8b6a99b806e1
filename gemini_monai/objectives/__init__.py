"""Objectives: named, weighted losses over (network, batch), and the learner that has them."""

from __future__ import annotations

from gemini_monai.objectives.contrast import ContrastObjective
from gemini_monai.objectives.copy_paste import CopyPasteObjective
from gemini_monai.objectives.homeomorphism import HomeomorphismObjective
from gemini_monai.objectives.learner import Learner
from gemini_monai.objectives.objective import Batch, Objective, full_precision
from gemini_monai.objectives.overlap import OverlapLoss
from gemini_monai.objectives.restoration import RestorationObjective
from gemini_monai.objectives.segmentation import SegmentationObjective
from gemini_monai.objectives.segmentation_loss import SegmentationLoss

__all__ = [
    "Batch",
    "ContrastObjective",
    "CopyPasteObjective",
    "HomeomorphismObjective",
    "Learner",
    "Objective",
    "OverlapLoss",
    "RestorationObjective",
    "SegmentationLoss",
    "SegmentationObjective",
    "full_precision",
]
