"""Places are paired with the most alike of the other view, and told from those of other images."""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from einops import einsum
from torch import Tensor, nn

from gemini_monai.geometry.types import Image
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch
from gemini_monai.study.methods.dense_grid import cell_features
from gemini_monai.study.methods.embedding import two_layers
from gemini_monai.study.methods.key_queue import KeyQueue, unit
from gemini_monai.study.methods.view_objective import TaughtViewObjective


class Pairing(Protocol):
    """Says which places of two views are pairs.

    It may have ``reads``, keys of the batch that it needs.
    """

    def __call__(self, features: Tensor, others: Tensor, *, batch: Batch, cells: int) -> Tensor:
        """Which are, (B, P, P).

        Args:
            features: Of the places of the first view, (B, P, K).
            others: Of the second view, likewise.
            batch: What the views are of.
            cells: Most places of a view, as of ``cell_features``.
        """


class DenseCL(TaughtViewObjective):
    """``(1 - share) L_global + share L_dense`` (Wang et al., CVPR 2021).

    ``L_global`` is MoCo of the features' mean. In ``L_dense`` the key of a place is that of the
    other view whose features, before any projection, are most alike; negatives are the means of
    earlier images' dense keys. Both, and the defaults but for sizes, are those of github.com/
    WXinlong/DenseCL, b64bbb6 (``openselfsup/models/densecl.py``). Its places are the 7 x 7 of a
    residual network's last stage; here they are the cells of a grid over the dense features, so
    that the decoder is trained too.

    Args:
        share: Of the dense part, from 0 to 1.
        temperature: Of ``KeyQueue``.
        momentum: Greatest share of the average that stays at a step, from 0 to 1.
        queue: Keys that are kept, of either kind; 65,536 in the paper.
        cells: Most places of a view.
        projection: Width of queries and keys; 128 in the paper.
        pairing: Which places are a pair, as ``most_alike`` says it; that is the default.
        prototypes: A further term, of all places and their keys, such as ``Prototypes``.
    """

    def __init__(
        self,
        *,
        share: float = 0.5,
        temperature: float = 0.2,
        momentum: float = 0.999,
        queue: int = 1024,
        cells: int = 256,
        projection: int = 64,
        pairing: Pairing | None = None,
        prototypes: nn.Module | None = None,
    ) -> None:
        super().__init__(momentum)
        self.pairing = pairing or most_alike
        self.reads = (*self.reads, *getattr(pairing, "reads", ()))
        self.prototypes = prototypes
        self.share, self.cells, self.projection = share, cells, projection
        self.means = KeyQueue(queue, projection, temperature=temperature)
        self.places = KeyQueue(queue, projection, temperature=temperature)

    @property
    def averaged_head(self) -> nn.Module:
        """Both projections."""
        return self.projectors

    def bind(self, network: DenseNetwork) -> None:
        """Fit the two projections to the network's dense features, and copy what is averaged."""
        width = network.feature_channels
        self.projectors = nn.ModuleList(
            two_layers(width, 2 * width, self.projection) for _ in range(2)
        )
        super().bind(network)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """``image_contrast``, ``place_contrast``, weighted, each 0 or more; that of prototypes.

        Args:
            network: A ``Gemini``.
            batch: ``view_a`` and ``view_b`` (B, C, *S), and what the pairing reads.
            progress: Unused; this objective has no schedule.
        """
        view, other_view = self.views(batch)
        features, mean, query = self._seen((network, self.projectors), view)
        with torch.no_grad():
            others, other_mean, key = self._seen(self.averages(), other_view)
            self.newest = [(self.means, other_mean), (self.places, key.mean(dim=1))]
            pairs = self.pairing(features, others, batch=batch, cells=self.cells)
        terms = {
            "image_contrast": (1 - self.share) * self.means(mean, other_mean),
            "place_contrast": self.share * self.places.of_sets(query, key, pairs),
        }
        if self.prototypes is not None:
            terms["semantic_contrast"] = self.prototypes(query, key, pairs)
        return terms

    def _seen(
        self, own: tuple[DenseNetwork, nn.Module], view: Image
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Features of the cells (B, P, K), and projections of their mean and of each."""
        network, projectors = own
        features = cell_features(network.features(view), self.cells)
        of_the_mean, of_each = projectors.children()
        return features, of_the_mean(features.mean(dim=1)), of_each(features)


def most_alike(features: Tensor, others: Tensor, *, batch: Batch, cells: int) -> Tensor:
    """Each place of one view, and the one of the other of greatest cosine, (B, P, P).

    Args:
        features: Of the places of the first view, (B, P, K).
        others: Of the second view, likewise.
        batch: Unused.
        cells: Unused.
    """
    cosine = einsum(unit(features), unit(others), "b i k, b j k -> b i j")
    return F.one_hot(cosine.argmax(dim=2), cosine.shape[2]).bool()
