"""Boxes at random places of an image."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from gemini_monai.geometry.types import Image, Mask


def random_box(shape: Sequence[int], shares: Sequence[float]) -> tuple[slice, ...]:
    """A box inside an image, whose place is uniform, one slice for each axis.

    Args:
        shape: Of the image's axes, in voxels.
        shares: Side of the box along each axis as a share of the image's, from 0 to 1; a side is
            rounded to voxels, and is one at least.
    """
    sides = [max(1, round(share * axis)) for share, axis in zip(shares, shape, strict=True)]
    starts = [
        int(torch.randint(axis - side + 1, ())) for side, axis in zip(sides, shape, strict=True)
    ]
    return tuple(slice(start, start + side) for start, side in zip(starts, sides, strict=True))


def toggled_boxes(image: Image, *, count: int, least: float, most: float) -> Mask:
    """True in an odd number of boxes, (B, 1, *S), of each image its own.

    Args:
        image: (B, C, *S).
        count: Boxes of an image.
        least: Smallest share of an image's side that a side of a single box has; those of several
            are smaller, so that all together are as large.
        most: Largest such share.
    """
    shape = image.shape[2:]
    smaller = count ** (-1 / len(shape))
    inside = torch.zeros_like(image[:, :1], dtype=torch.bool)
    for own in inside[:, 0]:
        for _ in range(count):
            shares = smaller * (least + (most - least) * torch.rand(len(shape)))
            place = random_box(shape, shares.tolist())
            own[place] = ~own[place]
    return inside
