"""Boxes at random places of an image."""

from __future__ import annotations

import torch
from torch import Tensor

from gemini_monai.geometry.boxes import random_box
from gemini_monai.geometry.types import Image, Mask


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


def cut_mix_box(image: Image, *, chance: float = 0.5) -> Mask:
    """True in a box of 2 to 40 % of the image, (B, 1, *S), of each image its own; or in none.

    Two of its sides differ by a factor of up to 3.3 either way from equal shares. After
    ``obtain_cutmix_box`` in ``more-scenarios/medical/dataset/transform.py`` of
    github.com/LiheYoung/UniMatch at commit 0324f3d, which is of two axes.

    Args:
        image: (B, C, *S).
        chance: Of a box.
    """
    inside = torch.zeros_like(image[:, :1], dtype=torch.bool)
    for own in inside[:, 0]:
        if torch.rand(()) < chance:
            own[random_box(own.shape, _shares(own.dim()))] = True
    return inside


def _shares(axes: int) -> list[float]:
    """Shares of the sides of a box of ``cut_mix_box``."""
    size = float(torch.empty(()).uniform_(0.02, 0.4)) ** (1 / axes)
    while True:
        longer = float(torch.empty(()).uniform_(0.3, 1 / 0.3)) ** 0.5
        shares = [size / longer, size * longer, *[size] * (axes - 2)]
        if max(shares) <= 1:
            return [shares[k] for k in torch.randperm(axes).tolist()]


def cut_mixed(values: Tensor, inside: Mask) -> Tensor:
    """Those of each image, with those of the next one of the batch inside, (B, ..., *S)."""
    return torch.where(inside, values.roll(-1, dims=0), values)
