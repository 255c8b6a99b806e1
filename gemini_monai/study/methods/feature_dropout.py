"""Features of which whole channels are hidden."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gemini_monai.geometry.types import Features, Image
from gemini_monai.networks import DenseNetwork, UNetBackbone
from gemini_monai.networks.blocks import crop_padding, pad_to_multiple

Change = Callable[[list[Tensor]], list[Tensor]]
"""Of features of an encoder's levels, the deepest last, to others of the same shapes."""


def channel_dropout(features: Tensor, rate: float = 0.5) -> Tensor:
    """Some channels of (B, K, *S) set to 0, of each image its own, the others made larger.

    Args:
        features: Their mean stays as it is over many draws.
        rate: Share of channels that are hidden, below 1.
    """
    shape = (*features.shape[:2], *[1] * (features.dim() - 2))
    kept = torch.empty(shape, device=features.device).bernoulli_(1 - rate) / (1 - rate)
    return features * kept.to(features.dtype)


def perturbed_features(network: DenseNetwork, image: Image, change: Change) -> Features:
    """Dense features (B, K, *S) that a U-Net decodes from changed features of its encoder.

    A backbone that is no ``UNetBackbone`` has its dense features changed instead, as the one level
    that it shows.

    Args:
        network: Of dense features.
        image: (B, C, *S).
        change: What is done to the levels.
    """
    backbone = network.backbone
    if not isinstance(backbone, UNetBackbone):
        return change([network.features(image)])[0]
    padded, padding = pad_to_multiple(image, backbone.multiple)
    return crop_padding(backbone.decode(change(backbone.encode(padded)))[0], padding)
