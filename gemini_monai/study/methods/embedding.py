"""One vector for an image, from the deepest level of the backbone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol, cast

from torch import Tensor, nn

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.types import Features, Image
from gemini_monai.networks import DenseNetwork


class _Encoder(Protocol):
    def encode(self, image: Image) -> Sequence[Features]:
        """Features of every level, the deepest last."""


def image_embedding(network: DenseNetwork, image: Image) -> Tensor:
    """Mean of the deepest features over space, (B, K).

    Args:
        network: A ``Gemini`` whose backbone has an ``encode``.
        image: (B, C, *S).
    """
    deepest = cast(_Encoder, network.backbone).encode(image)[-1]
    return deepest.flatten(2).mean(dim=2)


def width_of(network: DenseNetwork) -> int:
    """Length of an embedding.

    Raises:
        InputError: If the backbone does not say what its deepest level is.
    """
    width = getattr(network.backbone, "deepest_channels", None)
    if width is None:
        raise InputError(
            f"{type(network.backbone).__name__} has no encode(image) and deepest_channels, so "
            "there is no deepest level that this method could train; use the U-Net (channels), "
            "or a method of dense features"
        )
    return int(width)


def perceptron(*widths: int, normalized: bool = False) -> nn.Sequential:
    """Linear layers with batch normalization and ReLU between them.

    Args:
        widths: Of the input, of each hidden layer, and of the output.
        normalized: Whether batch normalization stands behind the last layer too.
    """
    layers: list[nn.Module] = []
    for narrow, wide in pairwise(widths[:-1]):
        layers += [nn.Linear(narrow, wide, bias=False), _normalization(wide), nn.ReLU()]
    layers.append(nn.Linear(widths[-2], widths[-1], bias=not normalized))
    layers += [_normalization(widths[-1], affine=False)] * normalized
    return nn.Sequential(*layers)


def _normalization(width: int, *, affine: bool = True) -> nn.BatchNorm1d:
    """Over the batch at hand alone: heads are never used afterwards, so nothing is kept."""
    return nn.BatchNorm1d(width, affine=affine, track_running_stats=False)


def two_layers(width: int, hidden: int, out: int) -> nn.Sequential:
    """Two linear layers with ReLU between them, and no normalization.

    Args:
        width: Of the input.
        hidden: Of what is between.
        out: Of the output.
    """
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, out))
