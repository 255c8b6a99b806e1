"""Transforms that MONAI does not have in this meaning."""

from __future__ import annotations

from gemini_monai.transforms.alignment import ResampleToGridd
from gemini_monai.transforms.corruption import (
    RandBezierIntensity,
    RandInPainting,
    RandLocalShuffle,
)
from gemini_monai.transforms.output import FiniteOutputd, SaveCased, refuse_outputs

__all__ = [
    "FiniteOutputd",
    "RandBezierIntensity",
    "RandInPainting",
    "RandLocalShuffle",
    "ResampleToGridd",
    "SaveCased",
    "refuse_outputs",
]
