"""Attended places of two views are paired as sets, not one by one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from einops import einsum
from torch import Tensor

from gemini_monai.study.methods.key_queue import unit


class AttendedSets:
    """The pairing that makes SetSim of DenseCL (Wang et al., CVPR 2022).

    A place is attended where its features are as long as ``attention`` times the longest of the
    image, or longer. Of an attended place of the first view, the partners are the most alike of the
    attended places of the second, and those of its neighbors on the grid that are attended and have
    a cosine of ``neighborhood`` or more. Written from memory of the paper, whose code has no
    license and was not looked at.

    Args:
        attention: From 0 to 1.
        neighborhood: From -1 to 1.
    """

    def __init__(self, attention: float = 0.7, neighborhood: float = 0.5) -> None:
        self.attention, self.neighborhood = attention, neighborhood

    def __call__(self, features: Tensor, others: Tensor, size: Sequence[int]) -> Tensor:
        """Which places are a pair, (B, P, P).

        Args:
            features: Of the places of the first view, (B, P, K).
            others: Of the second view, likewise.
            size: Places along each axis.
        """
        cosine = einsum(unit(features), unit(others), "b i k, b j k -> b i j")
        cosine = cosine.masked_fill(~self._attended(others)[:, None], -torch.inf)
        best = cosine.argmax(dim=2, keepdim=True)
        near = _neighbors(size).to(best.device)[best.squeeze(2)]
        chosen = (near & (cosine >= self.neighborhood)).scatter(2, best, True)
        return chosen & self._attended(features)[:, :, None]

    def _attended(self, features: Tensor) -> Tensor:
        length = features.norm(dim=2)
        return length >= self.attention * length.amax(dim=1, keepdim=True)


def _neighbors(size: Sequence[int]) -> Tensor:
    """Whether two places of a grid are one step apart or none, along every axis, (P, P)."""
    places = torch.cartesian_prod(*(torch.arange(float(side)) for side in size))
    return torch.cdist(places, places, p=torch.inf) <= 1
