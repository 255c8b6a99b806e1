"""How much labels overlap on the network's grid, before and after alignment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from einops import rearrange
from monai.transforms.spatial.array import SpatialResample
from torch import Tensor
from tqdm import tqdm

from gemini_monai.data.cohort import Cohort
from gemini_monai.data.prepare.reading import kept_label
from gemini_monai.metrics import dice_per_structure

Grids = Mapping[str, np.ndarray]


def mean_overlap(
    cohort: Cohort, reference: str, *, before: Grids, after: Grids
) -> dict[str, Any] | None:
    """Mean Dice of labels with the reference's, over structures that it has and other cases.

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
    present = rearrange(truth, "b k ... -> b k (...)").any(dim=2)
    scores = [
        [
            float(
                dice_per_structure(_masks(labels[case], grids[case], cohort), truth)[present].mean()
            )
            for grids in (before, after)
        ]
        for case in tqdm(others, desc="overlap", leave=False)
    ]
    means = np.mean(scores, axis=0)
    return {"before": float(means[0]), "after": float(means[1]), "cases": len(others)}


def _masks(files: str | Sequence[str], grid: np.ndarray, cohort: Cohort) -> Tensor:
    """One binary channel per structure on a grid, (1, K, *S)."""
    resample = SpatialResample(mode="nearest", padding_mode="zeros", dtype=torch.float64)
    paths = [Path(file) for file in ([files] if isinstance(files, str) else files)]
    label = kept_label(paths[0] if isinstance(files, str) else paths).to(torch.float64)
    label = resample(label, dst_affine=grid, spatial_size=cohort.spatial_size).as_tensor()
    if cohort.overlapping:
        return label[None] > 0
    values = sorted(value for value in cohort.labels.values() if value != 0)
    return torch.stack([label[0] == value for value in values])[None]
