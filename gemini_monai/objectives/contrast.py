"""Dense contrast of two views of one image, whose displacement field is known."""

from __future__ import annotations

import torch
from einops import rearrange, repeat
from torch import Tensor, nn

from gemini_monai.geometry.types import DDF, Features
from gemini_monai.geometry.warp import inbounds_mask, warp
from gemini_monai.losses import PointContrastLoss
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives.objective import Batch, Objective

LEAST = 2
"""Points without which there is nothing to tell apart."""


class ContrastObjective(Objective):
    """Dense features find their counterparts in another view of the same image (InfoNCE).

    No label and no second subject: the field between the views is the random transform's own. A
    projection of two linear layers, thrown away after training, stands between features and loss.

    Args:
        weight: Factor of the term.
        points: Points of each image that are contrasted with each other.
        temperature: Of ``PointContrastLoss``.
        projection: Channels of the projection.

    Raises:
        ValueError: If fewer than two points are asked for, or the temperature is not above 0.
    """

    reads = ("view_a", "view_b", "ddf_ab")

    def __init__(
        self,
        *,
        weight: float = 1.0,
        points: int = 256,
        temperature: float = 0.1,
        projection: int = 32,
    ) -> None:
        super().__init__()
        if points < LEAST:
            raise ValueError(f"points must be {LEAST} or more, got {points}")
        self.weight = weight
        self.points = points
        self.loss = PointContrastLoss(temperature)
        self.projection = nn.Sequential(
            nn.LazyLinear(2 * projection), nn.LeakyReLU(0.2), nn.Linear(2 * projection, projection)
        )

    def bind(self, network: DenseNetwork) -> None:
        """Fit the projection to the network's dense features."""
        self.projection(torch.zeros(1, network.feature_channels))

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``contrast``.

        Args:
            network: A ``Gemini``.
            batch: ``view_a`` and ``view_b`` (B, C, *S), and ``ddf_ab`` (B, N, *S) in voxels with
                ``warp(view_a, ddf_ab)`` like ``view_b``. Places whose partner lies outside are not
                drawn; a pair of views with fewer than two others is left out.
            progress: Unused; this objective has no schedule.
        """
        views = torch.cat([batch["view_a"], batch["view_b"]])
        features_a, features_b = network.features(views).chunk(2)
        first, second = matched_points(features_a, features_b, batch["ddf_ab"], count=self.points)
        if not len(first):
            return {"contrast": 0 * (features_a.sum() + features_b.sum())}
        found = self.loss(self.projection(first), self.projection(second))
        return {"contrast": self.weight * found}


def matched_points(
    features_a: Features, features_b: Features, ddf_ab: DDF, *, count: int
) -> tuple[Tensor, Tensor]:
    """Features of random places and of their partners.

    Args:
        features_a: Of the image that is warped, (B, K, *S).
        features_b: Of the image that stays, (B, K, *S).
        ddf_ab: Field in voxels on the grid of ``features_b``, (B, N, *S).
        count: Places of each image; fewer where one has fewer with a partner inside.

    Returns:
        Features of ``a`` at the partners and of ``b`` at the places, (images, points, K) each; an
        image with fewer than two such places is left out.
    """
    inside = rearrange(inbounds_mask(ddf_ab), "b 1 ... -> b (...)").float()
    kept = inside.sum(dim=1) >= LEAST
    inside = inside[kept]
    if not len(inside):
        none = features_a.new_zeros(0, 0, features_a.shape[1])
        return none, none
    count = min(count, int(inside.sum(dim=1).min()))
    places = torch.multinomial(inside, count)
    index = repeat(places, "b p -> b p k", k=features_a.shape[1])
    first, second = (
        rearrange(found[kept], "b k ... -> b (...) k").gather(1, index)
        for found in (warp(features_a, ddf_ab), features_b)
    )
    return first, second
