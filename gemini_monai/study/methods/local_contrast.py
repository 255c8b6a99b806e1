"""Regions of an image are told from other regions of the same image."""

from __future__ import annotations

import torch
import torch.nn.functional as F
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
    second: ``-log(exp(f_i g_i / t) / sum over regions j of the same image of exp(f_i g_j / t))``,
    both ways, mean over regions that lie inside both views. The paper trains encoder and decoder
    one after the other, contrasts 3 x 3 voxels of an early level of the decoder with 5 others, and
    parts volumes by the position of a slice; here both terms train at once, the regions are of the
    dense features, all others of them are negatives, and every image is of one part.

    Args:
        regions: Most regions of an image; 13 in the paper.
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
        f, g = unit(self.projector(places.flatten(0, 2)).unflatten(0, places.shape[:3]))
        scores = einsum(f, g, "b i k, b j k -> b i j") / self.temperature
        there, back = _told_apart(scores, inside), _told_apart(scores.transpose(1, 2), inside)
        return {"local_contrast": (there + back) / 2}

    def drawn(self, ddf_ab: DDF) -> tuple[Tensor, Tensor]:
        """Cells of each image at random, (B, R), those in both views first, and which are."""
        inside = cell_features(inbounds_mask(ddf_ab), self.cells)[..., 0] > 0.999
        luck = torch.rand(inside.shape, device=inside.device) + inside
        chosen = luck.topk(min(self.regions, luck.shape[1])).indices
        return chosen, inside.gather(1, chosen)


def _told_apart(scores: Tensor, inside: Tensor) -> Tensor:
    """Cross-entropy of the rows of (B, R, R) with their diagonal, of regions inside alone."""
    number = torch.arange(scores.shape[1], device=scores.device).expand(inside.shape)
    own = F.one_hot(number, scores.shape[2]).bool()
    scores = scores.masked_fill(~(inside[:, None] | own), -torch.inf)
    error = F.cross_entropy(scores.flatten(0, 1), number.flatten(), reduction="none")
    return (error * inside.flatten()).sum() / inside.sum().clamp(min=1)
