"""Data: the data-set file, the batches of training, preparation of downloads and folders."""

from __future__ import annotations

from gemini_monai.data.dataset import Dataset, read_dataset, write_dataset
from gemini_monai.data.iterations import IterationDataset, RemainingIterations

__all__ = ["Dataset", "IterationDataset", "RemainingIterations", "read_dataset", "write_dataset"]
