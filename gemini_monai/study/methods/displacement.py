"""Patches of which a network is unsure change places with those of which another one is sure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor

from gemini_monai.geometry.labels import counted
from gemini_monai.geometry.types import Image, Logits, Mask

CELLS = 4
"""Patches along an axis."""
BEST = 4
"""Patches that one which is displaced is compared with."""

Place = tuple[slice, ...]


def patch_places(shape: Sequence[int]) -> list[Place]:
    """Where the patches of an image (*S) are; they are of one size, and may leave an end over."""
    cells = [min(CELLS, axis) for axis in shape]
    sides = [axis // count for axis, count in zip(shape, cells, strict=True)]
    return [
        (slice(None), *(slice(k * side, (k + 1) * side) for k, side in zip(at, sides, strict=True)))
        for at in product(*map(range, cells))
    ]


def patch_means(values: Tensor) -> Tensor:
    """Mean of (B, K, *S) over each patch, (B, P, K)."""
    found = [values[(slice(None), *place)].flatten(2) for place in patch_places(values.shape[2:])]
    return torch.stack(found, dim=1).mean(dim=3)


def patch_certainty(logits: Logits, counts: Mask | None = None) -> Tensor:
    """Mean over each patch of the likeliest class's probability, (B, P), on the processor.

    Args:
        logits: (B, K, *S).
        counts: Which voxels count, (B, 1, *S); ``None`` for all. A patch without any has NaN.
    """
    certainty = logits.softmax(dim=1).amax(dim=1, keepdim=True)
    if counts is None:
        return patch_means(certainty)[..., 0].cpu()
    means, share = patch_means(certainty * counts), patch_means(counts.to(certainty.dtype))
    return (means / share)[..., 0].cpu()


@torch.no_grad()
def displaced(images: Sequence[Image], logits: Sequence[Logits]) -> Image:
    """Two versions of images (B, C, *S) with patches of one another, (2 B, C, *S).

    Where a network is least sure of its version, it is shown a patch of the other's version: of the
    four of which that network is surest, the one whose mean output is closest to its own, by the
    Kullback-Leibler divergence.

    Args:
        images: What the first network has seen, and the second one.
        logits: What each made of it, (B, K, *S).
    """
    first, second = (own.clone() for own in images)
    places = patch_places(first.shape[2:])
    certainty = [patch_certainty(own) for own in logits]
    means = [patch_means(own).cpu() for own in logits]
    for i in range(len(first)):
        unsure = [int(own[i].argmin()) for own in certainty]
        source = [
            _closest(means[k][i], certainty[k][i], means[1 - k][i, unsure[1 - k]]) for k in (0, 1)
        ]
        first[i][places[unsure[0]]] = second[i][places[source[1]]]
        second[i][places[unsure[1]]] = first[i][places[source[0]]]
    return torch.cat([first, second])


def _closest(means: Tensor, certainty: Tensor, wanted: Tensor) -> int:
    """Of the patches that are surest, (P, K) and (P), that closest to a mean output (K)."""
    best = certainty.topk(min(BEST, len(certainty))).indices
    wanted = wanted.softmax(dim=0)
    divergence = (wanted * (wanted.log() - means[best].log_softmax(dim=1))).sum(dim=1)
    return int(best[divergence.argmin()])


@torch.no_grad()
def displaced_labels(
    images: Sequence[Image], label: Tensor, logits: Sequence[Logits], *, chosen: Sequence[bool]
) -> tuple[Image, Tensor]:
    """Two versions of labeled images with patches of one another, and their labels, (2 B, ...).

    Where a network is surest of its version, it is shown that patch of the other's version of which
    the other network is least sure; ignored voxels count for neither.

    Args:
        images: What the first network has seen, and the second one, (B, C, *S).
        label: Of both, (B, 1, *S).
        logits: What each network made of its version, (B, K, *S).
        chosen: Which images are changed.
    """
    first, second = (own.clone() for own in images)
    known, other = label.clone(), label.clone()
    places = patch_places(label.shape[2:])
    certainty = [patch_certainty(own, counted(label)) for own in logits]
    surest = [own.nan_to_num(nan=-1.0).argmax(dim=1).tolist() for own in certainty]
    least = [own.nan_to_num(nan=2.0).argmin(dim=1).tolist() for own in certainty]
    for i in [k for k, change in enumerate(chosen) if change]:
        for a, b in ((first, second), (known, other)):
            a[i][places[surest[0][i]]] = b[i][places[least[1][i]]]
            b[i][places[surest[1][i]]] = a[i][places[least[0][i]]]
    return torch.cat([first, second]), torch.cat([known, other])
