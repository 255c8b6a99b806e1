"""Segmentation by labeled images that are registered to the one that is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from monai.data.meta_tensor import MetaTensor
from monai.inferers.inferer import Inferer
from monai.utils.type_conversion import convert_to_dst_type
from torch import Tensor

from gemini_monai.geometry.labels import target_of
from gemini_monai.geometry.types import DDF, Features, Image
from gemini_monai.inference.common_grid import CommonGrid
from gemini_monai.inference.meeting import MEETS, meet, plain
from gemini_monai.networks import DenseNetwork


class AtlasInferer(Inferer):
    """Votes of the labels of atlases, each warped onto the image by the network's own field.

    Multi-atlas segmentation with equal votes (Heckemann et al., NeuroImage 2006). No windows: each
    atlas meets the image as in registration, on a grid of the network's size, and what is outside
    of it is background. An atlas has no vote where its label is ignored; where no atlas has one, it
    is background.

    Args:
        atlases: Items with ``image`` (C, *S) and ``label`` (1, *S), as ``registration_items`` gives
            them.
        classes: Including background.
        spatial_size: Voxels that the network sees; ``None`` for the size of the first atlas.

    Raises:
        ValueError: If there is no atlas, or its structures overlap.
    """

    def __init__(
        self,
        atlases: Sequence[Mapping[str, Any]],
        *,
        classes: int,
        spatial_size: Sequence[int] | None = None,
    ) -> None:
        if not len(atlases):
            raise ValueError("atlases: none given, expected one labeled image or more")
        self.atlases = list(atlases)
        self.classes = classes
        self.spatial_size = spatial_size or tuple(self.atlases[0]["image"].shape[1:])
        ways = {item.get(MEETS, "center") for item in self.atlases}
        self.meets = ways.pop() if len(ways) == 1 else "center"
        if any(len(item["label"]) != 1 for item in self.atlases):
            raise ValueError("atlases: structures that overlap cannot be voted on class by class")

    def __call__(
        self, inputs: Image, network: DenseNetwork, *args: object, **kwargs: object
    ) -> Image:
        """Share of the votes of each class, (B, classes, *T), of images (B, C, *T).

        Args:
            inputs: Preprocessed images.
            network: A ``Gemini``.
            args: Unused.
            kwargs: Unused.
        """
        votes = torch.stack([self._votes(image, network) for image in inputs])
        votes[:, 0] += 1 - votes.sum(dim=1)
        return convert_to_dst_type(votes, inputs)[0]

    def _votes(self, image: Tensor, network: DenseNetwork) -> Tensor:
        """Mean of the warped labels of an image (C, *T), (classes, *T)."""
        shape = image.shape[1:]
        fixed = {"image": image, MEETS: self.meets if isinstance(image, MetaTensor) else "center"}
        total = torch.zeros(self.classes, *shape, device=image.device)
        voters: Tensor | int = len(self.atlases)
        features: dict[tuple[int, ...], Features] = {}  # most atlases meet it in one window
        for atlas in self.atlases:
            common = meet(atlas, fixed, size=self.spatial_size).common
            if common.corner not in features:
                window = common.fixed(plain(image))[None]
                features[common.corner] = network.features(window)
            ddf = _field(atlas, image, features[common.corner], common, network)
            target = target_of(plain(atlas["label"])[None].to(image.device), self.classes)
            total += common.returned(common.warped(target.maps, ddf)[0], shape)
            if target.counts is not None:
                hidden = common.warped((~target.counts).float(), ddf)[0]
                voters = voters - common.returned(hidden, shape)
        return total / (voters.clamp(min=1e-6) if isinstance(voters, Tensor) else voters)


def _field(
    atlas: Mapping[str, Any],
    image: Tensor,
    features: Features,
    common: CommonGrid,
    network: DenseNetwork,
) -> DDF:
    """From an atlas to an image (C, *T) whose features in the window are known, (1, N, *S)."""
    moving = common.moving(plain(atlas["image"]).to(plain(image)))
    own = network.features(moving[None])
    ddf: DDF = network.deformer(own, features)
    return ddf.float()
