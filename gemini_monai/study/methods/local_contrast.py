"""Regions of an image are told from other regions of the same image."""

from __future__ import annotations

import torch
from einops import einsum
from torch import Tensor

from gemini_monai.geometry.types import DDF
from gemini_monai.geometry.warp import inbounds_mask, warp
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch
from gemini_monai.study.methods.dense_grid import cell_features
from gemini_monai.study.methods.embedding import perceptron
from gemini_monai.study.methods.key_queue import unit
from gemini_monai.study.methods.view_objective import ViewObjective


class LocalContrast(ViewObjective):
    """The local part of GLCL (Chaitanya et al., NeurIPS 2020); ``SimCLR`` beside it is the global.

    Up to ``regions`` cells of a grid over the dense features, the first view's warped onto the
    second. A region is told from the other regions of both views: ``-log(e(f_i, g_i) / (e(f_i, g_i)
    + sum over j of e(f_i, g_j) + e(f_i, f_j)))`` with ``e(u, v) = exp(cos(u, v) / t)``, both ways,
    mean over regions that lie inside both views. Equation, temperature and number of regions are
    those of github.com/krishnabits001/domain_specific_cl, e5aae80 (``models.py``,
    ``decoder_pretrain_net``). There encoder and decoder train one after the other, the views of the
    local part differ in intensity alone, a region is 3 x 3 voxels of an early level of the decoder
    and has 5 others as negatives, and volumes are parted by the position of a slice; here both
    terms train at once by the same views, a region is a cell's mean of the dense features, all
    others are its negatives, and every image is of one part.

    Args:
        regions: Most regions of an image.
        cells: Most cells of the grid that they are drawn from.
        temperature: ``t``, above 0.
        projection: Width of ``f`` and ``g``.
    """

    reads = ("view_a", "view_b", "ddf_ab")

    def __init__(
        self,
        *,
        regions: int = 13,
        cells: int = 256,
        temperature: float = 0.1,
        projection: int = 64,
    ) -> None:
        super().__init__()
        self.regions, self.cells = regions, cells
        self.temperature, self.projection = temperature, projection

    def bind(self, network: DenseNetwork) -> None:
        """Fit the projection to the network's dense features."""
        width = network.feature_channels
        self.projector = perceptron(width, 2 * width, self.projection)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """``local_contrast``, 0 or more.

        Args:
            network: A ``Gemini``.
            batch: ``view_a`` and ``view_b`` (B, C, *S), and ``ddf_ab`` (B, N, *S) in voxels with
                ``warp(view_a, ddf_ab)`` like ``view_b``.
            progress: Unused; this objective has no schedule.
        """
        views = torch.cat(self.views(batch))
        first, second = network.features(views).chunk(2)
        moved = cell_features(warp(first, batch["ddf_ab"]), self.cells)
        places = torch.stack([moved, cell_features(second, self.cells).to(moved.dtype)])
        chosen, inside = self.drawn(batch["ddf_ab"])
        places = places.gather(2, chosen[None, ..., None].expand(2, -1, -1, places.shape[-1]))
        f, g = self.projector(places.flatten(0, 2)).unflatten(0, places.shape[:3])
        others = inside[:, None] & ~torch.eye(inside.shape[1], device=inside.device).bool()
        there = told_apart(f, g, others, temperature=self.temperature)
        back = told_apart(g, f, others, temperature=self.temperature)
        error = (there + back) / 2 * inside
        return {"local_contrast": error.sum() / inside.sum().clamp(min=1)}

    def drawn(self, ddf_ab: DDF) -> tuple[Tensor, Tensor]:
        """Cells of each image at random, (B, R), those in both views first, and which are."""
        inside = cell_features(inbounds_mask(ddf_ab), self.cells)[..., 0] > 0.999
        luck = torch.rand(inside.shape, device=inside.device) + inside
        chosen = luck.topk(min(self.regions, luck.shape[1])).indices
        return chosen, inside.gather(1, chosen)


def told_apart(first: Tensor, second: Tensor, others: Tensor, *, temperature: float) -> Tensor:
    """Loss of each region of a view, (B, R), 0 or more.

    Args:
        first: Of that view, (B, R, K), of any length.
        second: Of the other view, likewise.
        others: Which regions, of both views, each is to be told from, (B, R, R).
        temperature: By which cosines are divided.
    """
    with torch.autocast(first.device.type, enabled=False):
        first, second = unit(first), unit(second)
        own = (first * second).sum(dim=2, keepdim=True)
        scores = [own] + [
            einsum(first, view, "b i k, b j k -> b i j").masked_fill(~others, -torch.inf)
            for view in (second, first)
        ]
        return -(torch.cat(scores, dim=2) / temperature).log_softmax(dim=2)[..., 0]
