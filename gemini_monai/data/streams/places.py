"""Where the voxels of a view lie in the image that it is of, measured or from its affine."""

from __future__ import annotations

from typing import NamedTuple

import torch
from monai.data.meta_tensor import MetaTensor
from torch import Tensor

from gemini_monai.geometry.types import DDF
from gemini_monai.geometry.warp import identity_grid, sample
from gemini_monai.geometry.world import is_singular, to_voxels, to_world

UNKNOWN = 1e6
"""Voxels: a displacement out of every image, also in the mean over the places of a cell."""
EXACT = 0.01
"""Voxels by which places may differ from those of an affine that is taken for them."""
CLOSE = 0.1
"""Voxels by which a place that was looked for may be missed."""
WHOLE = 0.999
"""Share of a voxel's value that comes from inside the image where its place is known."""
STEPS = 50


class Places(NamedTuple):
    """Voxel ``p`` of a view shows what the image has at ``affine @ (p + shift(p))``."""

    affine: Tensor
    """(N + 1, N + 1), from voxels of the view to those of the image."""
    shift: DDF | None = None
    """(N, *S), in voxels of the view; ``None`` for 0."""
    known: Tensor | None = None
    """Where this is known, (*S) of ones and zeros; ``None`` for everywhere."""


def coordinates(image: Tensor, *, backward: bool = False) -> MetaTensor:
    """An image of the coordinates of each voxel, and of ones, (N + 1, *S).

    Args:
        image: (C, *S).
        backward: Count them from the other end of each axis.
    """
    grid = identity_grid(image.shape[1:], device=image.device)
    grid = grid.amax(dim=tuple(range(1, grid.ndim)), keepdim=True) - grid if backward else grid
    return MetaTensor(torch.cat([grid, torch.ones_like(grid[:1])]))


def is_whole(share: Tensor) -> Tensor:
    """Where the ones of ``coordinates`` are still ones."""
    return (share - 1).abs() < 1 - WHOLE


def only_moves(there: MetaTensor, back: MetaTensor) -> bool:
    """Whether coordinates and those from the other end still add up, as after interpolation alone.

    Args:
        there: ``coordinates`` after a transform, (N + 1, *S).
        back: Those that count backward, after the same.
    """
    there, back = there.as_tensor(), back.as_tensor()
    share = there[-1]
    sums = (there + back)[:-1]
    inside = is_whole(share)
    sides = sums.flatten(1).amax(dim=1).view(-1, *[1] * (sums.ndim - 1))
    return bool(inside.any() and ((sums - sides).abs() * inside < CLOSE).all())


def measured(view: MetaTensor) -> Places:
    """Places of a view from what a random transform made of ``coordinates``.

    Linear interpolation leaves coordinates what they are, so that each voxel says where it is from;
    the ones say how much of it is from inside. Where all agree with the affine that MONAI has
    tracked, it is that; else the affine that fits them best, and the rest as a shift.

    Args:
        view: (N + 1, *S).
    """
    plain = view.as_tensor()
    known = is_whole(share := plain[-1])
    where = plain[:-1].double() / torch.where(known, share, 1.0)
    grid = identity_grid(known.shape, device=known.device, dtype=torch.float64)
    tracked = torch.as_tensor(view.affine).to(grid)
    difference = (where - to_world(grid, tracked)).abs() * known
    if difference.max() < EXACT:
        return Places(tracked, known=known.float())
    fitted = _fitted(grid[:, known], where[:, known])
    if is_singular(fitted.cpu(), axes=len(grid)):  # too little is left to tell
        return Places(torch.eye(len(grid) + 1).to(grid), known=torch.zeros_like(share))
    shift = (to_voxels(where, fitted) - grid) * known
    return Places(fitted, shift=shift.float(), known=known.float())


def displacement(first: Places, second: Places, shape: torch.Size) -> DDF:
    """Field (N, *S) with ``warp(view_a, ddf)`` like ``view_b``; ``UNKNOWN`` where that is.

    Where the first view has a shift, the place ``x`` in it that shows what the second shows is the
    fixed point of ``x = z - shift(x)``, with ``z`` where it would lie without.

    Args:
        first: Places of ``view_a``.
        second: Of ``view_b``.
        shape: Spatial, of ``view_b``.
    """
    grid = identity_grid(shape, device=first.affine.device, dtype=torch.float64)
    place = grid if second.shift is None else grid + second.shift
    place = to_voxels(to_world(place, second.affine), first.affine)
    known = torch.ones_like(place[0]) if second.known is None else second.known
    if first.shift is not None:
        place, missed = _shifted_back(place, first.shift)
        known = known * (missed < CLOSE)
    if first.known is not None:
        known = known * is_whole(_at(first.known[None], place)[0])
    ddf = (place - grid).float()
    return torch.where(known > 0, ddf, torch.full_like(ddf, UNKNOWN))


def _shifted_back(wanted: Tensor, shift: DDF) -> tuple[Tensor, Tensor]:
    """Places ``x`` with ``x + shift(x)`` as wanted, (N, *S), and by how much it is missed, (*S)."""
    place = wanted = wanted.float()
    for _ in range(STEPS):
        missed = wanted - place - _at(shift, place, outside="border")
        place = place + missed
        if missed.abs().mean() < EXACT / 10:
            break
    missed = wanted - place - _at(shift, place, outside="border")
    return place, missed.norm(dim=0)


def _at(values: Tensor, place: Tensor, *, outside: str = "zeros") -> Tensor:
    """Values (K, *S) at places (N, *T), (K, *T)."""
    return sample(values[None].to(place), place[None], padding_mode=outside)[0]


def _fitted(voxels: Tensor, places: Tensor) -> Tensor:
    """The affine that brings voxels (N, P) nearest to places (N, P)."""
    axes, count = voxels.shape
    affine = torch.eye(axes + 1, device=voxels.device, dtype=voxels.dtype)
    if count > axes:
        ones = torch.ones(count, 1, device=voxels.device, dtype=voxels.dtype)
        affine[:axes] = torch.linalg.lstsq(torch.cat([voxels.T, ones], dim=1), places.T).solution.T
    return affine
