"""Images that are worse than those a network was trained on, to learn what its doubts are worth."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from monai.transforms.intensity.array import AdjustContrast, GaussianSmooth
from monai.transforms.spatial.array import Rotate
from torch import Tensor

Pair = tuple[Tensor, Tensor]
"""An image (C, *S) and its label (1 or K, *S)."""
SEED = 0


def _as_it_is(image: Tensor, label: Tensor) -> Pair:
    return image, label


def _lighter(image: Tensor, label: Tensor) -> Pair:
    return torch.as_tensor(AdjustContrast(gamma=0.5)(image)), label


def _darker(image: Tensor, label: Tensor) -> Pair:
    return torch.as_tensor(AdjustContrast(gamma=2.0)(image)), label


def _half_as_bright(image: Tensor, label: Tensor) -> Pair:
    return image.min() + 0.5 * (image - image.min()), label


def _noisy(image: Tensor, label: Tensor, *, share: float) -> Pair:
    """With noise of a standard deviation that is a share of the image's range."""
    drawn = torch.randn(image.shape, generator=torch.Generator().manual_seed(SEED))
    return image + share * (image.max() - image.min()) * drawn, label


def _blurred(image: Tensor, label: Tensor) -> Pair:
    return torch.as_tensor(GaussianSmooth(sigma=2.0)(image)), label


def _turned(image: Tensor, label: Tensor) -> Pair:
    """By 30 degrees about the center; in 3-D about one axis."""
    angle = math.pi / 6 if image.ndim == 3 else (math.pi / 6, 0.0, 0.0)
    moved = Rotate(angle, mode="bilinear", padding_mode="zeros")(image)
    with_it = Rotate(angle, mode="nearest", padding_mode="zeros")(label)
    return torch.as_tensor(moved), torch.as_tensor(with_it)


def _cut(image: Tensor, label: Tensor) -> Pair:
    """The first half along the first axis is not there."""
    there = torch.ones_like(label[:1])
    there[:, : label.shape[1] // 2] = 0
    return torch.where(there > 0, image, image.min()), label * there


DISTURBANCES: dict[str, Callable[[Tensor, Tensor], Pair]] = {
    "as it is": _as_it_is,
    "lighter": _lighter,
    "darker": _darker,
    "half as bright": _half_as_bright,
    "some noise": lambda image, label: _noisy(image, label, share=0.1),
    "much noise": lambda image, label: _noisy(image, label, share=0.25),
    "blurred": _blurred,
    "turned": _turned,
    "cut": _cut,
}
"""By name, the first being none."""
