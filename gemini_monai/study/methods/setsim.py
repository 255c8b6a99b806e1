"""Attended places of two views are paired as sets, not one by one."""

from __future__ import annotations

from einops import einsum
from torch import Tensor

from gemini_monai.objectives import Batch, full_precision
from gemini_monai.study.methods.dense_grid import near_cells
from gemini_monai.study.methods.key_queue import unit


class AttendedSets:
    """The pairing that makes SetSim of DenseCL (Wang et al., CVPR 2022).

    A place is attended where the mean square of its features, brought to [0, 1] over its image, is
    ``attention`` or more. Pairs are all attended places of both views with a cosine of ``likeness``
    or more, and all places that are near one another. What they are, and the defaults, are those
    of github.com/DerrickWang005/SetSim.pytorch, 6a439e2 (``setstim/matcher.py``,
    ``train_pretrain.sh``).

    Args:
        attention: From 0 to 1.
        likeness: From -1 to 1.
        distance: Below which two places are a pair, as of ``near_cells``.
    """

    reads = ("ddf_ab",)

    def __init__(
        self, attention: float = 0.7, *, likeness: float = 0.2, distance: float = 0.5
    ) -> None:
        self.attention, self.likeness, self.distance = attention, likeness, distance

    def __call__(self, features: Tensor, others: Tensor, *, batch: Batch, cells: int) -> Tensor:
        """Which places are a pair, (B, P, P).

        Args:
            features: Of the places of the first view, (B, P, K).
            others: Of the second view, likewise.
            batch: ``ddf_ab`` (B, N, *S) in voxels, with ``warp(view_a, ddf_ab)`` like ``view_b``.
            cells: Most places of a view, as of ``cell_features``.
        """
        cosine = einsum(unit(features), unit(others), "b i k, b j k -> b i j")
        attended = self._attended(features)[:, :, None] & self._attended(others)[:, None]
        near = near_cells(batch["ddf_ab"], cells, distance=self.distance)
        return attended & (cosine >= self.likeness) | near

    def _attended(self, features: Tensor) -> Tensor:
        square = full_precision(features).square().mean(dim=2)
        least, greatest = square.aminmax(dim=1, keepdim=True)
        return (square - least) / (greatest - least + 1e-10) >= self.attention
