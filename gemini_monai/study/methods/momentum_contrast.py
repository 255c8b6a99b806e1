"""Views of an image are told from a queue of images seen before."""

from __future__ import annotations

import torch
from torch import Tensor

from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch
from gemini_monai.study.methods.embedding import image_embedding, two_layers, width_of
from gemini_monai.study.methods.key_queue import KeyQueue
from gemini_monai.study.methods.view_objective import TaughtViewObjective


class MomentumContrast(TaughtViewObjective):
    """MoCo v2: ``KeyQueue`` of a moving average's embeddings (Chen et al., 2020).

    Head, loss and defaults but the queue's length are those of github.com/facebookresearch/moco,
    4397a04 (``moco/builder.py`` with ``mlp``, temperature 0.2 as its README has it for v2).
    Trains the encoder; the decoder stays as it is initialized. Batches are not shuffled between
    processes, because the encoder has no batch normalization.

    Args:
        temperature: Of ``KeyQueue``.
        momentum: Greatest share of the average that stays at a step, from 0 to 1.
        queue: Keys that are kept; 65,536 in the paper, of a million images.
        projection: Width of queries and keys.
    """

    trains = "encoder"

    def __init__(
        self,
        *,
        temperature: float = 0.2,
        momentum: float = 0.999,
        queue: int = 1024,
        projection: int = 128,
    ) -> None:
        super().__init__(momentum)
        self.projection = projection
        self.queue = KeyQueue(queue, projection, temperature=temperature)

    def bind(self, network: DenseNetwork) -> None:
        """Fit the projection to the network's deepest features, and copy what is averaged."""
        width = width_of(network)
        self.projector = two_layers(width, width, self.projection)
        super().bind(network)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """``queue_contrast``, 0 or more.

        Args:
            network: A ``Gemini``.
            batch: ``view_a`` and ``view_b`` (B, C, *S).
            progress: Unused; this objective has no schedule.
        """
        view, other = self.views(batch)
        query = self.projector(image_embedding(network, view))
        with torch.no_grad():
            average, projector = self.averages()
            key = projector(image_embedding(average, other))
        self.newest = [(self.queue, key)]
        return {"queue_contrast": self.queue(query, key)}
