"""A box at a random place of an image."""

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


def box_mask(image: Image, side: float) -> Mask:
    """True in a box at a random place, one for all images, (B, 1, *S).

    Args:
        image: (B, C, *S).
        side: Of the box along each axis, as a share of the image's, from 0 to 1.
    """
    inside = torch.zeros_like(image[:, :1], dtype=torch.bool)
    shape = image.shape[2:]
    inside[(slice(None), slice(None), *random_box(shape, [side] * len(shape)))] = True
    return inside
