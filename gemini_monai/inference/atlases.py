"""Segmentation by labeled images that are registered to the one that is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from monai.inferers.inferer import Inferer
from monai.utils.type_conversion import convert_to_dst_type
from torch import Tensor, nn

from gemini_monai.labels import target_of
from gemini_monai.types import Image
from gemini_monai.warp import warp


class AtlasInferer(Inferer):
    """Votes of the labels of atlases, each warped onto the image by the network's own field.

    Multi-atlas segmentation with equal votes (Heckemann et al., NeuroImage 2006). No windows: the
    image is padded or cropped about its center to the size of the atlases, and what was cropped is
    background. An atlas has no vote where its label is ignored; where no atlas has one, it is
    background.

    Args:
        atlases: Items with ``image`` (C, *S) and ``label`` (1, *S), of one size.
        classes: Including background.

    Raises:
        ValueError: If there is no atlas, or its structures overlap.
    """

    def __init__(self, atlases: Sequence[Mapping[str, Tensor]], *, classes: int) -> None:
        if not len(atlases):
            raise ValueError("atlases: none given, expected one labeled image or more")
        self.images = [torch.as_tensor(item["image"]) for item in atlases]
        self.labels = [torch.as_tensor(item["label"]) for item in atlases]
        self.classes = classes
        if any(len(label) != 1 for label in self.labels):
            raise ValueError("atlases: structures that overlap cannot be voted on class by class")

    def __call__(self, inputs: Image, network: nn.Module, *args: object, **kwargs: object) -> Image:
        """Share of the votes of each class, (B, classes, *T), of images (B, C, *T).

        Args:
            inputs: Preprocessed images.
            network: A ``Gemini``.
            args: Unused.
            kwargs: Unused.
        """
        image = inputs.as_tensor() if hasattr(inputs, "as_tensor") else inputs
        padding = _padding(image.shape[2:], self.images[0].shape[1:])
        fitted = F.pad(image, padding)
        votes = torch.stack([self._vote(own[None], network) for own in fitted])
        votes = F.pad(votes, [-side for side in padding])
        votes[:, 0] += 1 - votes.sum(dim=1)
        return convert_to_dst_type(votes, inputs)[0]

    def _vote(self, image: Image, network: nn.Module) -> Tensor:
        """Mean of the warped labels (classes, *S)."""
        total = torch.zeros(self.classes, *image.shape[2:], device=image.device)
        voters: Tensor | int = len(self.images)
        features = network.features(image)  # type: ignore[operator]
        for atlas, label in zip(self.images, self.labels, strict=True):
            own = network.features(atlas[None].to(image))  # type: ignore[operator]
            ddf = network.deformer(own, features)  # type: ignore[operator]
            target = target_of(label[None].to(image.device), self.classes)
            total += warp(target.maps, ddf.float())[0]
            if target.counts is not None:
                voters = voters - warp((~target.counts).float(), ddf.float())[0]
        return total / (voters.clamp(min=1e-6) if isinstance(voters, Tensor) else voters)


def _padding(shape: Sequence[int], wanted: Sequence[int]) -> list[int]:
    """About the center, in the order of ``F.pad``: the last axis first; negative where it crops."""
    padding: list[int] = []
    for side, goal in zip(reversed(shape), reversed(wanted), strict=True):
        before = (goal - side) // 2
        padding += [before, goal - side - before]
    return padding
