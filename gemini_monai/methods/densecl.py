"""Places are paired with the most alike of the other view, and told from those of other images."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from einops import einsum
from torch import Tensor, nn

from gemini_monai.methods.dense_grid import cell_features
from gemini_monai.methods.key_queue import KeyQueue, unit
from gemini_monai.methods.teacher import Teacher
from gemini_monai.objectives import Batch, Objective
from gemini_monai.types import Image


class DenseCL(Objective):
    """``(1 - share) L_global + share L_dense`` (Wang et al., CVPR 2021).

    ``L_global`` is MoCo of the features' mean. In ``L_dense`` the key of a place is that of the
    other view whose features, before any projection, are most alike; negatives are means of
    earlier images' dense keys. The paper's places are the 7 x 7 of a residual network's last
    stage; here they are the cells of a grid over the dense features, so that the decoder is
    trained too.

    Args:
        share: Of the dense part, from 0 to 1.
        temperature: Of ``KeyQueue``.
        momentum: Share of the average that stays at every step, from 0 to 1.
        queue: Keys that are kept, of either kind; 65,536 in the paper.
        cells: Most places of a view.
        projection: Width of queries and keys; 128 in the paper.
    """

    reads = ("view_a", "view_b")

    def __init__(
        self,
        *,
        share: float = 0.5,
        temperature: float = 0.2,
        momentum: float = 0.999,
        queue: int = 1024,
        cells: int = 256,
        projection: int = 64,
    ) -> None:
        super().__init__()
        self.share, self.momentum = share, momentum
        self.cells, self.projection = cells, projection
        self.means = KeyQueue(queue, projection, temperature=temperature)
        self.places = KeyQueue(queue, projection, temperature=temperature)

    def bind(self, network: nn.Module) -> None:
        """Fit the two projections to the network's dense features, and copy what is averaged."""
        width = int(network.feature_channels)  # type: ignore[arg-type]
        self.projectors = nn.ModuleList(_projector(width, self.projection) for _ in range(2))
        self.teacher = Teacher(nn.ModuleList([network, self.projectors]), self.momentum)

    def forward(
        self, network: nn.Module, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """``image_contrast`` and ``place_contrast``, weighted, each 0 or more.

        Args:
            network: A ``Gemini``.
            batch: ``view_a`` and ``view_b`` (B, C, *S).
            progress: Unused; this objective has no schedule.
        """
        features, mean, query = self._seen((network, self.projectors), batch["view_a"])
        with torch.no_grad():
            teacher = self.teacher.module.children()
            others, self.latest_mean, key = self._seen(teacher, batch["view_b"])
            self.latest_place = unit(key).mean(dim=1)
            chosen = most_alike(features, others)[..., None].expand_as(key)
            key = key.gather(1, chosen).flatten(0, 1)
        return {
            "image_contrast": (1 - self.share) * self.means(mean, self.latest_mean),
            "place_contrast": self.share * self.places(query.flatten(0, 1), key),
        }

    def _seen(self, own: Iterable[nn.Module], view: Image) -> tuple[Tensor, Tensor, Tensor]:
        """Features of the cells (B, P, K), and projections of their mean and of each."""
        network, projectors = own
        features = cell_features(network.features(view), self.cells)  # type: ignore[operator]
        of_the_mean, of_each = projectors.children()
        return features, of_the_mean(features.mean(dim=1)), of_each(features)

    def after_step(self, network: nn.Module, *, progress: float = 1.0) -> None:
        """Let the average follow, and the newest keys take the place of the oldest."""
        self.teacher.update_parameters(nn.ModuleList([network, self.projectors]))
        self.means.push(self.latest_mean)
        self.places.push(self.latest_place)


def most_alike(features: Tensor, others: Tensor) -> Tensor:
    """For each place of ``features`` (B, P, K) the one of ``others`` of greatest cosine, (B, P)."""
    return einsum(unit(features), unit(others), "b i k, b j k -> b i j").argmax(dim=2)


def _projector(width: int, projection: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, projection))
