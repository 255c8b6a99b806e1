"""Data: the data-set file, the batches of training, preparation of downloads and folders."""

from __future__ import annotations

from gemini_monai.data.cache import cached
from gemini_monai.data.cohort import Cohort
from gemini_monai.data.dataset_file import read_cohort, write_cohort
from gemini_monai.data.iterations import IterationDataset, RemainingIterations
from gemini_monai.data.streams import (
    Corrupted,
    Labeled,
    Looks,
    Pairs,
    Partners,
    Stream,
    Unlabeled,
    Views,
    named_streams,
)
from gemini_monai.data.training import IterationLoader, training_dataset
from gemini_monai.data.wholeness import whole_structures

__all__ = [
    "Cohort",
    "Corrupted",
    "IterationDataset",
    "IterationLoader",
    "Labeled",
    "Looks",
    "Pairs",
    "Partners",
    "RemainingIterations",
    "Stream",
    "Unlabeled",
    "Views",
    "cached",
    "named_streams",
    "read_cohort",
    "training_dataset",
    "whole_structures",
    "write_cohort",
]
