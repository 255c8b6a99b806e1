"""Deformable homeomorphism learning without labels, equations 4 and 5."""

from __future__ import annotations

import torch
from torch import Tensor

from gemini_monai.geometry.types import DDF, Features, Image, Mask
from gemini_monai.geometry.warp import inbounds_mask, warp
from gemini_monai.losses import SemanticSimilarityLoss, SmoothnessLoss, VisualSimilarityLoss
from gemini_monai.networks import Correspondence, DenseNetwork
from gemini_monai.objectives.objective import Batch, Objective


class HomeomorphismObjective(Objective):
    """Smoothness, visual and semantic similarity of a pair of images, both ways.

    Each term is the sum over the two directions of equation 5; both share one backbone pass per
    image. The defaults are those of the authors' code. GVSL is ``semantic=0``.

    Args:
        smoothness: Weight of equation 3 (lambda_smo).
        smoothness_order: Of its differences: 1 as in the paper, 2 for bending energy.
        visual: Weight of equation 6 (lambda_GVS).
        semantic: Weight of equation 7 (lambda_GSS); 0 leaves it out.
        positive: Weight, inside the semantic term, of the path that trains the features
            (lambda_pos).
        positive_start: Share of training after which that path counts: 0 from the first iteration,
            1 never (table 4 of the paper).
        bijective: Both directions (equation 5), or only from ``image_a`` to ``image_b``.
        window: Side in voxels of the visual similarity's window.
        interval: It trains in every so many iterations; 1 for every one.

    Raises:
        ValueError: If a weight is negative, ``positive_start`` is outside [0, 1],
            ``smoothness_order`` is neither 1 nor 2, or ``interval`` is below 1.
    """

    reads: tuple[str, ...] = ("image_a",)
    registers = True

    def __init__(
        self,
        *,
        smoothness: float = 0.4,
        smoothness_order: int = 1,
        visual: float = 1.0,
        semantic: float = 0.8,
        positive: float = 0.1,
        positive_start: float = 0.0,
        bijective: bool = True,
        window: int = 9,
        interval: int = 1,
    ) -> None:
        super().__init__()
        self.weights = {"smoothness": smoothness, "visual": visual, "semantic": semantic}
        for name, weight in {**self.weights, "positive": positive}.items():
            if weight < 0:
                raise ValueError(f"weight '{name}' must be 0 or more, got {weight}")
        if not 0 <= positive_start <= 1:
            raise ValueError(f"positive_start must be from 0 to 1, got {positive_start}")
        if interval < 1:
            raise ValueError(f"interval must be 1 or more, got {interval}")
        self.interval = interval
        self.register_buffer("asked", torch.zeros((), dtype=torch.long), persistent=interval > 1)
        self.asked: Tensor
        self.positive = positive
        self.positive_start = positive_start
        self.bijective = bijective
        self.smoothness_loss = SmoothnessLoss(smoothness_order)
        self.visual_loss = VisualSimilarityLoss(window)
        self.semantic_loss = SemanticSimilarityLoss()

    def forward(
        self, network: DenseNetwork, batch: Batch, *, progress: float = 1.0
    ) -> dict[str, Tensor]:
        """Weighted ``smoothness``, ``visual`` and (unless its weight is 0) ``semantic``.

        Empty in the iterations between.

        Args:
            network: A ``Gemini``.
            batch: ``image_a`` and ``image_b`` (B, C, *S); without ``image_b`` each image of
                ``image_a`` is paired with the next one of the batch.
            progress: Share of training that is done.
        """
        self.asked += 1
        if int(self.asked) % self.interval:
            return {}
        image_a, image_b = batch["image_a"], batch.get("image_b")
        pair: Correspondence = network.correspond(image_a, image_b)
        image_b = image_a.roll(-1, dims=0) if image_b is None else image_b
        return self.similarity(pair, image_a, image_b, progress=progress)

    def similarity(
        self,
        pair: Correspondence,
        image_a: Image,
        image_b: Image,
        *,
        progress: float = 1.0,
        counts: tuple[Mask | None, Mask | None] = (None, None),
    ) -> dict[str, Tensor]:
        """The terms of images whose correspondence is computed.

        Args:
            pair: Correspondence of these images.
            image_a: First image of each pair, (B, C, *S).
            image_b: Second image of each pair, likewise.
            progress: Share of training that is done.
            counts: On the grid of ``image_b``, and on that of ``image_a``, true where visual
                similarity counts, (B, 1, *S); ``None`` for everywhere.
        """
        started = self.positive_start < 1 and progress >= self.positive_start
        positive = self.positive if started else 0.0
        directions = [(image_a, image_b, pair.features_a, pair.features_b, pair.ddf_ab, counts[0])]
        if self.bijective:
            directions.append(
                (image_b, image_a, pair.features_b, pair.features_a, pair.ddf_ba, counts[1])
            )
        terms = [self._direction(*direction, positive=positive) for direction in directions]
        return {name: sum((term[name] for term in terms[1:]), terms[0][name]) for name in terms[0]}

    def _direction(
        self,
        moving: Image,
        fixed: Image,
        moving_features: Features,
        fixed_features: Features,
        ddf: DDF,
        counts: Mask | None,
        *,
        positive: float,
    ) -> dict[str, Tensor]:
        """Equation 4 for one direction: weighted terms of warping ``moving`` onto ``fixed``."""
        mask = inbounds_mask(ddf)
        terms = {
            "smoothness": self.smoothness_loss(ddf),
            "visual": self._visual(warp(moving, ddf), fixed, mask, counts),
        }
        if self.weights["semantic"] > 0:
            terms["semantic"] = self.semantic_loss(
                moving_features, fixed_features, ddf, mask, positive=positive
            )
        return {name: self.weights[name] * term for name, term in terms.items()}

    def _visual(self, warped: Image, fixed: Image, mask: Mask, counts: Mask | None) -> Tensor:
        """Equation 6, also of windows in which a part does not count: there, both are 0."""
        if counts is None:
            similarity: Tensor = self.visual_loss(warped, fixed, mask)
            return similarity
        loss: Tensor = self.visual_loss(warped * counts, fixed * counts, mask * counts)
        return loss * counts.any()
