"""How much of their space dense features use."""

from __future__ import annotations

import torch
from torch import Tensor

from gemini_monai.base.devices import in_double


def effective_rank(points: Tensor) -> float:
    """Number of directions that features use, from 1 (all on a line) to K (spread evenly).

    The exponential of the entropy of the singular values, each as a share of their sum, of the
    centered features (Roy and Vetterli, EUSIPCO 2007).

    Args:
        points: One feature vector a row, (points, K), two rows or more.

    Returns:
        0 where all rows are equal, NaN where one is not finite.
    """
    exact = in_double(points)
    centered = exact - exact.mean(dim=0)
    if not bool(torch.isfinite(centered).all()):
        return float("nan")
    values = torch.linalg.svdvals(centered)
    total = float(values.sum())
    if total <= 1e-12 * (1 + float(points.abs().max())) * len(points):
        return 0.0
    return float(torch.special.entr(values / total).sum().exp())
