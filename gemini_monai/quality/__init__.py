"""How far to trust a mask: an expected Dice with an interval, and what stands out."""

from __future__ import annotations

from gemini_monai.quality.carried import CarriedLabels, carried_labels
from gemini_monai.quality.checking import CaseQuality, Quality, StructureQuality
from gemini_monai.quality.expected import keep_expected, read_expected
from gemini_monai.quality.learning import Learned, learn
from gemini_monai.quality.proposing import TrustedProposer
from gemini_monai.quality.writing import (
    bound_volumes,
    check_cases,
    refuse_quality,
    with_those_there,
    write_quality_table,
)

__all__ = [
    "CarriedLabels",
    "CaseQuality",
    "Learned",
    "Quality",
    "StructureQuality",
    "TrustedProposer",
    "bound_volumes",
    "carried_labels",
    "check_cases",
    "keep_expected",
    "learn",
    "read_expected",
    "refuse_quality",
    "with_those_there",
    "write_quality_table",
]
