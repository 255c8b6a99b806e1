"""The paper's analyses, each a measure with its table and its picture."""

from __future__ import annotations

from gemini_monai.study.analyses.analysis import Analysis, refuse_written, write_analysis
from gemini_monai.study.analyses.counterparts import partners
from gemini_monai.study.analyses.embed import embedding
from gemini_monai.study.analyses.gap import generalization_gap
from gemini_monai.study.analyses.noise import noise_fit
from gemini_monai.study.analyses.pairs import pairing
from gemini_monai.study.analyses.reliability import reliability
from gemini_monai.study.analyses.track import track

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
