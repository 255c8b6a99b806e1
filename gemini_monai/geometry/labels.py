"""What the numbers of a label say, and which voxels count.

A label is a map of class indices (B, 1, *S), 0 for background; or, where structures may overlap,
zeros and ones (B, K, *S). Either may hold ``IGNORED``, in the second of each structure by itself:
nobody says what is there, so the voxel counts neither in a loss nor in a score.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gemini_monai.geometry.types import DDF, Mask
from gemini_monai.geometry.warp import warp

IGNORED = -1
"""Whatever value files have for it. Below 0, so that ``label > 0`` is a structure and nothing else.
"""
LITTLE = 1e-3
"""Share of ignored voxels below which what is interpolated between voxels counts."""


class Target(NamedTuple):
    """What is to be found, and where it counts."""

    maps: Tensor
    """One map for each class or structure, (B, K, *S), from 0 to 1; all 0 where ignored."""
    counts: Mask | None = None
    """True where it counts, (B, 1, *S) or for each map (B, K, *S); ``None`` for everywhere."""

    def warped(self, ddf: DDF) -> Target:
        """Moved along by a field in voxels, (B, N, *S).

        What comes from outside the image is of no class, and counts.
        """
        moved = warp(self.maps, ddf)
        if self.counts is None:
            return Target(moved)
        return Target(moved, warp((~self.counts).to(moved.dtype), ddf) < LITTLE)

    def where(self, counts: Mask | None) -> Target:
        """The same, counted only where ``counts`` has it too."""
        return Target(self.maps, both(self.counts, counts))


def target_of(label: Tensor, classes: int, *, overlapping: bool = False) -> Target:
    """What a label says of each class.

    Args:
        label: (B, 1, *S) of class indices, or (B, K, *S) of zeros and ones; any of them may be
            ``IGNORED``.
        classes: Background included; unused for structures that overlap.
        overlapping: Which of the two it is.
    """
    counts = counted(label)
    if overlapping:
        return Target(label if counts is None else label * counts, counts)
    index = label if counts is None else label * counts
    shape = (len(label), classes, *label.shape[2:])
    maps = torch.zeros(shape, device=label.device).scatter_(1, index.long(), 1.0)
    return Target(maps if counts is None else maps * counts, counts)


def counted(label: Tensor) -> Mask | None:
    """True where a label is not ignored, in its own shape; ``None`` where it is nowhere."""
    counts = label >= 0  # not "!= IGNORED", which is 255 in 8 bits
    return None if bool(counts.all()) else counts


def both(first: Mask | None, second: Mask | None) -> Mask | None:
    """True where both count."""
    if first is None or second is None:
        return second if first is None else first
    return first & second


def mean_where(values: Tensor, counts: Mask | None) -> Tensor:
    """Mean of the values that count, of all where ``counts`` is ``None``; 0 where none does.

    Args:
        values: Of any shape.
        counts: Of a shape that broadcasts to it.
    """
    if counts is None:
        return values.mean()
    counts = counts.expand_as(values)
    return torch.where(counts, values, 0.0).sum() / counts.sum().clamp(min=1)
