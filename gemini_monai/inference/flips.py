"""Mirroring at test time: the mean over an image and its mirror images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any

import torch
from monai.inferers.inferer import Inferer
from torch import Tensor

from gemini_monai.inference.averages import ProbabilityMean
from gemini_monai.inference.windows import RoomyInferer
from gemini_monai.transforms import InputSpec


class FlippedInferer(Inferer):
    """The mean probability over an image mirrored along none, one, several and all axes.

    All combinations, 2^N, so that a mirrored image is predicted as the mirror image of what the
    image is, whatever the network and the windows.

    Args:
        inferer: Of whole images, which gives out logits (B, K, *S).
        axes: Spatial axes that are mirrored, 0 the first.
        overlapping: As of ``ProbabilityMean``.
    """

    def __init__(self, inferer: Inferer, *, axes: Sequence[int], overlapping: bool) -> None:
        self.inferer = inferer
        self.axes = axes
        self.overlapping = overlapping

    def __call__(
        self, inputs: Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Logits (B, K, *S) of images (B, C, *S), whose probabilities are the mean."""
        mean = ProbabilityMean(overlapping=self.overlapping, dim=1)
        for dims in _mirrors(self.axes):
            found = self.inferer(torch.flip(inputs, dims), network, *args, **kwargs)
            mean.add(torch.flip(found, dims))
        return mean.logits()


def _mirrors(axes: Sequence[int]) -> Iterator[list[int]]:
    """Axes of a batch (B, C, *S) that are mirrored at a time."""
    for count in range(len(axes) + 1):
        for some in combinations(axes, count):
            yield [axis + 2 for axis in some]


def with_flips(inferer: Inferer, spec: InputSpec) -> Inferer:
    """An inferer with ``FlippedInferer`` around it; refused where memory cannot hold the sums.

    A volume that is seen slice by slice is mirrored within its slices.

    Args:
        inferer: Of whole images.
        spec: What the network gives out, and its axes.
    """
    flipped = FlippedInferer(inferer, axes=range(spec.network_dims), overlapping=spec.overlapping)
    held = 5 if spec.overlapping else 3  # sums, logarithms and a prediction
    size = list(spec.spatial_size)
    return RoomyInferer(flipped, channels=spec.out_channels, window=size, held=held)
