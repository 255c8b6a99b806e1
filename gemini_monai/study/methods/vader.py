"""Pixels of two views that are known to correspond, told from those of images seen before."""

from __future__ import annotations

import torch
from torch import Tensor

from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch
from gemini_monai.objectives.contrast import matched_points
from gemini_monai.study.methods.embedding import two_layers
from gemini_monai.study.methods.key_queue import KeyQueue
from gemini_monai.study.methods.view_objective import TaughtViewObjective


class VADeR(TaughtViewObjective):
    """View-agnostic dense representation (Pinheiro et al., NeurIPS 2020).

    ``KeyQueue`` of single pixels: a query in one view, its key at the same place of the other view
    by a moving average, and keys of earlier images as negatives. From the paper, whose code was not
    found; its views are drawn as MoCo v2's.

    Args:
        points: Pixels of each image; 32 in the paper.
        temperature: Of ``KeyQueue``; 0.07 in the paper.
        momentum: Greatest share of the average that stays at a step, from 0 to 1.
        queue: Keys that are kept; 65,536 in the paper.
        projection: Width of queries and keys; 128 in the paper.
    """

    reads = ("view_a", "view_b", "ddf_ab")

    def __init__(
        self,
        *,
        points: int = 32,
        temperature: float = 0.07,
        momentum: float = 0.999,
        queue: int = 4096,
        projection: int = 64,
    ) -> None:
        super().__init__(momentum)
        self.points, self.projection = points, projection
        self.queue = KeyQueue(queue, projection, temperature=temperature)

    def bind(self, network: DenseNetwork) -> None:
        """Fit the projection to the network's dense features, and copy what is averaged."""
        width = network.feature_channels
        self.projector = two_layers(width, 2 * width, self.projection)
        super().bind(network)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """``pixel_contrast``, 0 or more; 0 where no pixel of a view lies in the other.

        Args:
            network: A ``Gemini``.
            batch: ``view_a`` and ``view_b`` (B, C, *S), and ``ddf_ab`` (B, N, *S) in voxels with
                ``warp(view_a, ddf_ab)`` like ``view_b``.
            progress: Unused; this objective has no schedule.
        """
        features = network.features(batch["view_a"])
        with torch.no_grad():
            average, projector = self.averages()
            others = average.features(batch["view_b"])
        own, partner = matched_points(features, others, batch["ddf_ab"], count=self.points)
        key = projector(partner.flatten(0, 1)).detach()
        self.newest = [(self.queue, key)]
        if not len(own):
            return {"pixel_contrast": 0 * features.sum()}
        return {"pixel_contrast": self.queue(self.projector(own.flatten(0, 1)), key)}
