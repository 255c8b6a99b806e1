"""How much labels overlap on the network's grid, before and after alignment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.transforms.spatial.array import SpatialResample
from torch import Tensor
from tqdm import tqdm

from gemini_monai.images import read_label
from gemini_monai.metrics import dice_per_structure

LABELLED = ("labeled", "validation", "test")
Grids = Mapping[str, np.ndarray]


def mean_overlap(
    content: Mapping[str, Any], reference: str, *, before: Grids, after: Grids
) -> dict[str, Any] | None:
    """Mean Dice of labels with the reference's, over structures that it has and other cases.

    Args:
        content: Of the ``dataset.json``; labels are read of labelled, validation and test entries.
        reference: A case.
        before: Affine (4, 4) of each case's grid where images are only centred.
        after: Where they are aligned.

    Returns:
        ``before`` and ``after`` in [0, 1], and the number of ``cases``; ``None`` if the reference
        is not one of those entries, or the only one.
    """
    labels = {entry["case"]: entry["label"] for part in LABELLED for entry in content[part]}
    others = sorted(set(labels) - {reference})
    if reference not in labels or not others:
        return None
    truth = _masks(labels[reference], after[reference], content)
    present = truth.flatten(2).any(dim=2)
    scores = [
        [
            float(
                dice_per_structure(_masks(labels[case], grids[case], content), truth)[
                    present
                ].mean()
            )
            for grids in (before, after)
        ]
        for case in tqdm(others, desc="overlap", leave=False)
    ]
    means = np.mean(scores, axis=0)
    return {"before": float(means[0]), "after": float(means[1]), "cases": len(others)}


def _masks(files: str | Sequence[str], grid: np.ndarray, content: Mapping[str, Any]) -> Tensor:
    """One binary channel per structure on a grid, (1, K, *S)."""
    resample = SpatialResample(mode="nearest", padding_mode="zeros", dtype=torch.float64)
    label = read_label(files).to(torch.float64)
    label = resample(label, dst_affine=grid, spatial_size=content["spatial_size"]).as_tensor()
    if content["overlapping"]:
        return label[None] > 0
    values = sorted(value for value in content["labels"].values() if value != 0)
    return torch.stack([label[0] == value for value in values])[None]
