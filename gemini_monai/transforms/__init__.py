"""Transforms that MONAI does not have in this meaning."""

from __future__ import annotations

from gemini_monai.transforms.alignment import ResampleToGridd
from gemini_monai.transforms.corruption import (
    RandBezierIntensity,
    RandInPainting,
    RandLocalShuffle,
)

__all__ = ["RandBezierIntensity", "RandInPainting", "RandLocalShuffle", "ResampleToGridd"]
