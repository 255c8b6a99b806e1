"""What was learned of a run's doubts, as one file of arrays beside the run's record."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import write_arrays
from gemini_monai.quality.estimate import Estimator
from gemini_monai.quality.familiar import Familiarity, Uprightness
from gemini_monai.quality.learning import Learned
from gemini_monai.quality.signs import SIGNS, Reference

FILE = "quality.npz"
VERSION = 2
DAMAGE = (*(OSError, EOFError, ValueError, TypeError, KeyError, IndexError), zlib.error, BadZipFile)
"""What reading a broken file raises."""
COLUMNS = ("signs", "structure", "value", "patient", "image", "weight")
"""Of the estimator."""


def write_learned(path: Path, learned: Learned, *, weights: str) -> None:
    """Write it, whole or not at all.

    Args:
        path: The file.
        learned: What is written.
        weights: Hash of the weights that it is of.
    """
    known = [k for k, own in enumerate(learned.references) if own is not None]
    there = [own for own in learned.references if own is not None]
    arrays = {f"estimator.{name}": getattr(learned.estimator, name) for name in COLUMNS}
    arrays["sizes.value"] = learned.sizes.value
    for name in ("volume", "place", "appearance"):
        arrays[f"reference.{name}"] = np.stack([getattr(own, name) for own in there])
    arrays |= {
        "reference.structure": np.array(known),
        "familiarity.rows": learned.familiarity.rows.astype(np.float32),
        "familiarity.patient": learned.familiarity.patient,
        "orientation.small": learned.uprightness.small.astype(np.float32),
        "orientation.patient": learned.uprightness.patient,
        "structures": np.array(len(learned.references)),
        "validated": np.array(learned.validated),
        "version": np.array(VERSION),
        "weights": np.array(weights),
    }
    write_arrays(path, **arrays)


def read_learned(path: Path, *, weights: str) -> Learned | None:
    """What ``write_learned`` wrote; ``None`` if it is of other weights or another version.

    Args:
        path: The file; nothing in it is run.
        weights: Hash of the run's weights now.

    Raises:
        InputError: If it is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if int(arrays["version"]) != VERSION or str(arrays["weights"]) != weights:
            return None
        return _learned(arrays)
    except DAMAGE as error:
        message = f"{path}: damaged ({error}); remove it, and it is learned again"
        raise InputError(message) from error


def _learned(arrays: dict[str, np.ndarray]) -> Learned:
    estimator = Estimator(*(arrays[f"estimator.{name}"] for name in COLUMNS))
    if estimator.signs.ndim != 2 or estimator.signs.shape[1] != len(SIGNS):
        raise ValueError(f"signs of shape {estimator.signs.shape}, expected {len(SIGNS)} columns")
    sizes = replace(estimator, value=arrays["sizes.value"])
    columns = [*(getattr(estimator, name) for name in COLUMNS), sizes.value]
    lengths = {len(column) for column in columns}
    if len(lengths) != 1 or not all(bool(np.isfinite(column).all()) for column in columns):
        raise ValueError("columns of several lengths, or not finite")
    references: list[Reference | None] = [None] * int(arrays["structures"])
    parts = [arrays[f"reference.{name}"] for name in ("volume", "place", "appearance")]
    for k, *own in zip(arrays["reference.structure"], *parts, strict=True):
        references[int(k)] = Reference(*own)
    return Learned(
        estimator,
        sizes,
        references,
        Familiarity(arrays["familiarity.rows"], arrays["familiarity.patient"]),
        Uprightness(arrays["orientation.small"], arrays["orientation.patient"]),
        bool(arrays["validated"]),
    )
