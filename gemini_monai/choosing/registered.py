"""How alike scans are once one is registered onto the other, and so how well its label would fit.

No network: each pair has a field of its own, found by descent on the losses of the method.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from gemini_monai.choosing.distances import Array, distances
from gemini_monai.geometry.types import DDF, Image
from gemini_monai.geometry.warp import exponential, inbounds_mask, warp
from gemini_monai.losses import SmoothnessLoss, VisualSimilarityLoss

NEAREST = 60
"""Scans that are registered onto each, those that look most like it as they lie."""
TOGETHER = 256
"""Pairs of one descent."""
ITERATIONS, RATE = 10, 0.5
"""Steps of Adam, and its rate in cells."""
WINDOW = 5
"""Cells a side in which two scans are compared."""
SQUARINGS = 4
"""Of the exponential: velocities of a few cells are small after so many halvings."""


def registered_distances(images: NDArray[np.float32]) -> Array:
    """1 minus the local correlation of each scan with every other one registered onto it, (n, n).

    In row u and column s, scan s is registered onto scan u, so the two halves differ. 0 for a scan
    and itself, and 1 for the scans that are not among its ``NEAREST`` as they lie.

    Args:
        images: Small pictures of all scans, (n, C, *S), of intensities from 0 to 1.
    """
    seen = torch.as_tensor(images)
    found = np.ones((len(seen), len(seen)))
    np.fill_diagonal(found, 0)
    pairs = np.array(list(_pairs(distances(images.reshape(len(images), -1)))), dtype=int)
    for start in tqdm(range(0, len(pairs), TOGETHER), desc="pairs"):
        fixed, moving = pairs[start : start + TOGETHER].T
        found[fixed, moving] = 1 - correlation_registered(seen[moving], seen[fixed]).numpy()
    return found


def _pairs(between: Array) -> Iterator[tuple[int, int]]:
    """Each scan with those that look most like it, fixed first."""
    for fixed, row in enumerate(np.argsort(between, axis=1, kind="stable")):
        others = row[row != fixed]
        yield from ((fixed, int(moving)) for moving in others[:NEAREST])


def correlation_registered(moving: Image, fixed: Image) -> Tensor:
    """Mean squared local correlation inside the image once registered, 0 to 1, (B,).

    Args:
        moving: (B, C, *S), each registered onto its fixed image.
        fixed: (B, C, *S).
    """
    visual = VisualSimilarityLoss(WINDOW)
    ddf = _descended(moving, fixed, visual)
    mask = inbounds_mask(ddf)
    correlation = (visual.local_correlation(warp(moving, ddf) * mask, fixed * mask) * mask).mean(1)
    axes = tuple(range(1, correlation.ndim))
    found: Tensor = correlation.sum(axes) / mask[:, 0].sum(axes).clamp(min=1)
    return found


@torch.enable_grad()
def _descended(moving: Image, fixed: Image, visual: VisualSimilarityLoss) -> DDF:
    """The exponential of a velocity found by Adam on equations 6 and 3, in cells, (B, N, *S)."""
    shape = (len(moving), moving.ndim - 2, *moving.shape[2:])
    velocity: Any = torch.zeros(shape, device=moving.device, requires_grad=True)
    smoothness, optimizer = SmoothnessLoss(), torch.optim.Adam([velocity], RATE)
    for _ in range(ITERATIONS):
        optimizer.zero_grad(set_to_none=True)
        ddf = exponential(velocity, squarings=SQUARINGS)
        loss = visual(warp(moving, ddf), fixed, inbounds_mask(ddf)) + smoothness(velocity)
        loss.backward()
        optimizer.step()
    return exponential(velocity, squarings=SQUARINGS).detach()
