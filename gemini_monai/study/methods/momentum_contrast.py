"""Views of an image are told from a queue of images seen before."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gemini_monai.geometry.types import Image
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, Objective
from gemini_monai.study.methods.embedding import image_embedding, width_of
from gemini_monai.study.methods.key_queue import KeyQueue
from gemini_monai.study.methods.teacher import Teacher, averages


class MomentumContrast(Objective):
    """MoCo v2: ``KeyQueue`` of a moving average's embeddings (Chen et al., 2020).

    Trains the encoder; the decoder stays as it is initialized. Batches are not shuffled between
    processes, because the encoder has no batch normalization.

    Args:
        temperature: Of ``KeyQueue``.
        momentum: Share of the average that stays at every step, from 0 to 1.
        queue: Keys that are kept; 65,536 in the paper, of a million images.
        projection: Width of queries and keys.
    """

    reads = ("view_a", "view_b")
    trains = "encoder"

    def __init__(
        self,
        *,
        temperature: float = 0.2,
        momentum: float = 0.999,
        queue: int = 1024,
        projection: int = 128,
    ) -> None:
        super().__init__()
        self.momentum, self.projection = momentum, projection
        self.queue = KeyQueue(queue, projection, temperature=temperature)

    def bind(self, network: DenseNetwork) -> None:
        """Fit the projection to the network's deepest features, and copy what is averaged."""
        width = width_of(network)
        self.projector = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, self.projection)
        )
        self.teacher = Teacher(nn.ModuleList([network, self.projector]), self.momentum)

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """``queue_contrast``, 0 or more.

        Args:
            network: A ``Gemini``.
            batch: ``view_a`` and ``view_b`` (B, C, *S).
            progress: Unused; this objective has no schedule.
        """
        query = _projected((network, self.projector), batch["view_a"])
        with torch.no_grad():
            self.latest = _projected(averages(self.teacher), batch["view_b"])
        return {"queue_contrast": self.queue(query, self.latest)}

    def after_step(self, network: DenseNetwork, *, progress: float = 1.0) -> None:
        """Let the average follow, and the newest keys take the place of the oldest."""
        self.teacher.update_parameters(nn.ModuleList([network, self.projector]))
        self.queue.push(self.latest)


def _projected(own: tuple[DenseNetwork, nn.Module], view: Image) -> Tensor:
    network, projector = own
    projected: Tensor = projector(image_embedding(network, view))
    return projected
