"""Images learn the clusters that they themselves fall into."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, full_precision
from gemini_monai.study.methods.embedding import image_embedding, width_of
from gemini_monai.study.methods.key_queue import KeyQueue, unit
from gemini_monai.study.methods.view_objective import ViewObjective

ROUNDS = 20


class DeepCluster(ViewObjective):
    """Cross-entropy with the number of an image's cluster (Caron et al., ECCV 2018).

    Every ``period`` steps the latest embeddings are clustered by k-means and the classifier starts
    anew. A view learns the cluster whose center is nearest to the other view. Its code
    (github.com/facebookresearch/deepcluster, 2d1927e) clusters the middles of all images at the
    beginning of an epoch, whitens embeddings, and draws clusters evenly; here they are crops of the
    latest ``memory`` images, at length 1, and clusters are drawn as they come. Trains the encoder;
    the decoder stays as it is initialized.

    Args:
        clusters: How many; 10,000 in the paper, of a million images.
        memory: Embeddings that are kept.
        period: Steps between two clusterings.

    Raises:
        ValueError: If fewer embeddings are kept than there are clusters.
    """

    trains = "encoder"
    centers: Tensor
    steps: Tensor

    def __init__(self, *, clusters: int = 32, memory: int = 512, period: int = 50) -> None:
        super().__init__()
        if not 2 <= clusters <= memory:
            raise ValueError(f"expected 2 to {memory} clusters, got {clusters}")
        self.clusters, self.length, self.period = clusters, memory, period

    def bind(self, network: DenseNetwork) -> None:
        """Fit the classifier to the network's deepest features; the memory is random still."""
        width = width_of(network)
        self.classifier = nn.Linear(width, self.clusters)
        self.memory = KeyQueue(self.length, width, temperature=1.0)
        self.register_buffer("centers", self.memory.keys[: self.clusters].clone())
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """``cluster``, 0 or more.

        Args:
            network: A ``Gemini``.
            batch: ``view_a`` and ``view_b`` (B, C, *S).
            progress: Unused; this objective has no schedule.
        """
        view, other = self.views(batch)
        with torch.no_grad():
            self.latest = unit(image_embedding(network, other))
            number = nearest(self.latest, self.centers)
        scores = self.classifier(image_embedding(network, view))
        return {"cluster": F.cross_entropy(full_precision(scores), number)}

    @torch.no_grad()
    def after_step(self, network: DenseNetwork, *, progress: float = 1.0) -> None:
        """Remember the newest embeddings; when it is time, cluster, and empty the classifier."""
        self.memory.push(self.latest)
        self.steps += 1
        if self.steps % self.period == 0:
            self.centers.copy_(k_means(self.memory.keys, self.clusters))
            for own in self.classifier.parameters():
                nn.init.zeros_(own)  # not at random: every process must have the same


def nearest(points: Tensor, centers: Tensor) -> Tensor:
    """Number of the center that is nearest to each point, (M,), of (M, K) and (L, K)."""
    return torch.cdist(points, centers.to(points.dtype)).argmin(dim=1)


def k_means(points: Tensor, clusters: int) -> Tensor:
    """Centers (clusters, K) by Lloyd's iterations, from points at even steps of (M, K).

    A center that no point is nearest to stays where it is.
    """
    centers = points[:: len(points) // clusters][:clusters].clone()
    for _ in range(ROUNDS):
        own = F.one_hot(nearest(points, centers), clusters).to(points.dtype)
        count = own.sum(dim=0)[:, None]
        centers = torch.where(count > 0, own.T @ points / count.clamp(min=1), centers)
    return centers
