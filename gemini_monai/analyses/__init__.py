"""The paper's analyses, each a measure with its table and its picture."""

from __future__ import annotations

from gemini_monai.analyses.analysis import Analysis, refuse_written, write_analysis
from gemini_monai.analyses.embed import embedding
from gemini_monai.analyses.gap import generalization_gap
from gemini_monai.analyses.noise import noise_fit
from gemini_monai.analyses.pairs import pairing
from gemini_monai.analyses.partners import partners
from gemini_monai.analyses.reliability import reliability
from gemini_monai.analyses.track import track

__all__ = [
    "Analysis",
    "embedding",
    "generalization_gap",
    "noise_fit",
    "pairing",
    "partners",
    "refuse_written",
    "reliability",
    "track",
    "write_analysis",
]
