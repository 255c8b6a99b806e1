"""Places that lie near one another in two views have like features, smoothed by likeness."""

from __future__ import annotations

import torch
from einops import einsum
from torch import Tensor, nn

from gemini_monai.geometry.types import Image
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, full_precision
from gemini_monai.study.methods.dense_grid import cell_features, near_cells
from gemini_monai.study.methods.embedding import perceptron
from gemini_monai.study.methods.key_queue import unit
from gemini_monai.study.methods.view_objective import TaughtViewObjective


class PixPro(TaughtViewObjective):
    """Pixel-to-propagation consistency (Xie et al., CVPR 2021).

    ``y_i = sum_j max(cos(x_i, x_j), 0)^gamma g(x_j) / |g(x_j)|``; the loss of an image is ``-2``
    times the mean of ``cos(y_i, x'_j)`` over places ``i`` of one view and ``j`` of the other that
    are near one another, plus the same the other way. ``x'`` is of a moving average, whose momentum
    grows to 1 by half a cosine. Equation, near places and defaults are those of github.com/zdaxie/
    PixPro, e390d6b (``contrast/models/PixPro.py``, ``tools/pixpro_base_r50_100ep.sh``). Its places
    are the 7 x 7 of a residual network's last stage; here they are the cells of a grid over the
    dense features, so that the decoder is trained too, and the projection is narrower.

    Args:
        momentum: At the start of training.
        sharpness: ``gamma``.
        distance: Below which two places are a pair, as of ``near_cells``.
        cells: Most places of a view.
        projection: Width of ``x``; 256 in the paper.
    """

    reads = ("view_a", "view_b", "ddf_ab")
    rises = True

    def __init__(
        self,
        *,
        momentum: float = 0.99,
        sharpness: float = 2.0,
        distance: float = 0.7,
        cells: int = 256,
        projection: int = 64,
    ) -> None:
        super().__init__(momentum)
        self.sharpness, self.distance = sharpness, distance
        self.cells, self.projection = cells, projection

    def bind(self, network: DenseNetwork) -> None:
        """Fit the heads to the network's dense features, and copy what is averaged."""
        width = network.feature_channels
        self.projector = perceptron(width, 2 * width, self.projection)
        self.transform = nn.Linear(self.projection, self.projection)
        super().bind(network)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """``propagation``, from -4 to 4; an image whose views do not meet has 0.

        Args:
            network: A ``Gemini``.
            batch: ``view_a`` and ``view_b`` (B, C, *S), and ``ddf_ab`` (B, N, *S) in voxels with
                ``warp(view_a, ddf_ab)`` like ``view_b``.
            progress: Unused here.
        """
        views = torch.cat(self.views(batch))
        with torch.no_grad():
            targets = self._projected(self.averages(), views)
        features = self._projected((network, self.projector), views)
        with torch.autocast(features.device.type, enabled=False):
            first, second = self.propagated(full_precision(features)).chunk(2)
            target_a, target_b = targets.chunk(2)
            near = near_cells(batch["ddf_ab"], self.cells, distance=self.distance)
            there = _mean_cosine(first, target_b, near)
            back = _mean_cosine(second, target_a, near.transpose(1, 2))
        return {"propagation": -2 * (there + back)}

    def propagated(self, features: Tensor) -> Tensor:
        """Every place's features (B, P, K), from those of all that are like it."""
        direction = unit(features)
        likeness = einsum(direction, direction, "b i k, b j k -> b i j").clamp(min=0)
        return likeness**self.sharpness @ unit(self.transform(features))

    def _projected(self, own: tuple[DenseNetwork, nn.Module], views: Image) -> Tensor:
        network, projector = own
        places = cell_features(network.features(views), self.cells)
        projected: Tensor = projector(places.flatten(0, 1))
        return projected.unflatten(0, places.shape[:2])


def _mean_cosine(features: Tensor, targets: Tensor, pairs: Tensor) -> Tensor:
    """Mean over images of that over their pairs (B, P, Q) of places; 0 where there is none."""
    cosine = einsum(unit(features), unit(targets), "b i k, b j k -> b i j")
    return ((cosine * pairs).sum(dim=(1, 2)) / pairs.sum(dim=(1, 2)).clamp(min=1)).mean()
