"""Which scans to label first, from their images alone."""

from __future__ import annotations

from gemini_monai.choosing.choice import Choice, Scan
from gemini_monai.choosing.choose import candidates, choice_of, choose
from gemini_monai.choosing.describing import FEATURES, described, description_of
from gemini_monai.choosing.distances import distances, outlyingness, principal_components
from gemini_monai.choosing.strategies import STRATEGIES, Pool
from gemini_monai.choosing.writing import write_choice

__all__ = [
    "FEATURES",
    "STRATEGIES",
    "Choice",
    "Pool",
    "Scan",
    "candidates",
    "choice_of",
    "choose",
    "described",
    "description_of",
    "distances",
    "outlyingness",
    "principal_components",
    "write_choice",
]
