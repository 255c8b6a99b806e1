"""Data: the data-set file, the batches of training, preparation of downloads and folders."""

from __future__ import annotations

from gemini_monai.data.cache import cached
from gemini_monai.data.cohort import Cohort
from gemini_monai.data.dataset_file import read_cohort, write_cohort
from gemini_monai.data.iterations import IterationDataset, RemainingIterations
from gemini_monai.data.streams import (
    Corrupted,
    Labeled,
    Pairs,
    Partners,
    Stream,
    Unlabeled,
    Views,
    named_streams,
)

__all__ = [
    "Cohort",
    "Corrupted",
    "IterationDataset",
    "Labeled",
    "Pairs",
    "Partners",
    "RemainingIterations",
    "Stream",
    "Unlabeled",
    "Views",
    "cached",
    "named_streams",
    "read_cohort",
    "write_cohort",
]
