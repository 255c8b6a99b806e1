"""How much labels overlap on the network's grid, before and after alignment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from einops import rearrange
from monai.transforms.spatial.array import SpatialResample
from tqdm import tqdm

from gemini_monai.data.cohort import Cohort
from gemini_monai.data.prepare.kept_files import kept_label
from gemini_monai.geometry.labels import Target, both
from gemini_monai.metrics import dice_per_structure

Grids = Mapping[str, np.ndarray]


def mean_overlap(
    cohort: Cohort, reference: str, *, before: Grids, after: Grids
) -> dict[str, Any] | None:
    """Mean Dice of labels with the reference's, over structures that it has and other cases.

    Voxels that either label ignores are left out.

    Args:
        cohort: Labels are read of its labeled, validation and test entries.
        reference: A case.
        before: Affine (4, 4) of each case's grid where images are only centered.
        after: Where they are aligned.

    Returns:
        ``before`` and ``after`` in [0, 1], and the number of ``cases``; ``None`` if the reference
        is not one of those entries, or the only one.
    """
    entries = [*cohort.labeled, *cohort.validation, *cohort.test]
    labels = {entry["case"]: entry["label"] for entry in entries}
    others = sorted(set(labels) - {reference})
    if reference not in labels or not others:
        return None
    truth = _masks(labels[reference], after[reference], cohort)
    scores = [
        [_mean_dice(_masks(labels[case], grids[case], cohort), truth) for grids in (before, after)]
        for case in tqdm(others, desc="overlap", leave=False)
    ]
    means = np.nanmean(scores, axis=0)
    return {"before": float(means[0]), "after": float(means[1]), "cases": len(others)}


def _mean_dice(masks: Target, truth: Target) -> float:
    """Over the structures of the truth; NaN where none of them counts."""
    counts = both(masks.counts, truth.counts)
    one, other = (own.maps if counts is None else own.maps & counts for own in (masks, truth))
    present = rearrange(other, "b k ... -> b k (...)").any(dim=2)
    return float(dice_per_structure(one, other)[present].mean())


def _masks(files: str | Sequence[str], grid: np.ndarray, cohort: Cohort) -> Target:
    """One binary channel per structure on a grid, (1, K, *S), and where they count."""
    resample = SpatialResample(mode="nearest", padding_mode="zeros", dtype=torch.float64)
    paths = [Path(file) for file in ([files] if isinstance(files, str) else files)]
    ignore = cohort.ignore
    label = kept_label(paths[0] if isinstance(files, str) else paths, ignore=ignore)
    label = resample(label.to(torch.float64), dst_affine=grid, spatial_size=cohort.spatial_size)
    values = label.as_tensor()
    counts = None if ignore is None else (values != ignore)[None]
    if cohort.overlapping:
        masks = values[None] > 0
        return Target(masks if counts is None else masks & counts, counts)
    structures = sorted(value for value in cohort.labels.values() if value != 0)
    return Target(torch.stack([values[0] == value for value in structures])[None], counts)
