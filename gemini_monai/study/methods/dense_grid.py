"""Dense features on a coarse grid, for methods that compare every place with every other."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from einops import rearrange
from monai.networks.layers.factories import Pool
from torch import Tensor

from gemini_monai.geometry.types import DDF, Features
from gemini_monai.geometry.warp import identity_grid


def cell_features(features: Features, cells: int) -> Tensor:
    """Means over the cells of a grid, (B, P, K), in the order of ``cell_places``.

    Args:
        features: (B, K, *S).
        cells: Most cells in all; as many along each axis.
    """
    size = grid_size(features.shape[2:], cells)
    pool = Pool["adaptiveavg", len(size)](size)
    return rearrange(pool(features), "b k ... -> b (...) k")


def cell_places(ddf_ab: DDF, cells: int) -> tuple[Tensor, Tensor]:
    """Where the cells of two views lie in the first view, in cells of it.

    Args:
        ddf_ab: (B, N, *S) in voxels on the grid of the second view.
        cells: As for ``cell_features``.

    Returns:
        Of the first view (1, P, N), of the second (B, P, N).
    """
    shape = ddf_ab.shape[2:]
    grid = identity_grid(shape, device=ddf_ab.device, dtype=ddf_ab.dtype)[None]
    size = ddf_ab.new_tensor([s / n for s, n in zip(shape, grid_size(shape, cells), strict=True)])
    first, second = cell_features(grid, cells), cell_features(grid + ddf_ab, cells)
    return first / size, second / size


def near_cells(ddf_ab: DDF, cells: int, *, distance: float) -> Tensor:
    """Which cells of two views lie near one another, (B, P, P), those of the first view first.

    Those whose middles are less than ``distance`` diagonals of a cell apart, of the view whose
    cells are the larger ones, as in PixPro's and SetSim's code. Lengths are the first view's.

    Args:
        ddf_ab: As for ``cell_places``.
        cells: As for ``cell_features``.
        distance: In diagonals of a cell.
    """
    first, second = cell_places(ddf_ab, cells)
    size = grid_size(ddf_ab.shape[2:], cells)
    larger = _diagonal(second, size).clamp(min=math.sqrt(len(size)))
    apart = torch.cdist(first.expand_as(second), second)
    return apart < distance * larger[:, None, None]


def _diagonal(places: Tensor, size: Sequence[int]) -> Tensor:
    """Of a cell whose neighbors lie at places (B, P, N), (B,); by the median of the steps."""
    grid = places.unflatten(1, tuple(size))
    along = [axis for axis, side in enumerate(size) if side > 1]
    steps = [grid.diff(dim=1 + axis).flatten(1, -2).sort(dim=1).values for axis in along]
    middle = torch.stack([own[:, own.shape[1] // 2] for own in steps])
    return middle.square().sum(dim=(0, 2)).sqrt()


def grid_size(shape: Sequence[int], cells: int) -> list[int]:
    """Cells along each axis of an image of this shape, at most ``cells`` in all."""
    side = int(cells ** (1 / len(shape)) + 1e-6)
    return [min(side, axis) for axis in shape]
