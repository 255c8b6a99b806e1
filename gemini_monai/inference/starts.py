"""Where two images meet before a network says anything: the world, their centers, their masses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.world import FieldOfView, Overlap, transformed

STARTS = ("auto", "world", "center", "mass", "affine")
MOSTLY = 0.5
"""Share of the smaller field of view above which two images are taken to lie in one world."""


class Start(NamedTuple):
    """Where a pair of images meets."""

    kind: str
    """One of ``STARTS``, but for ``auto``."""
    transform: np.ndarray
    """From the fixed image's world to the moving one's, (N+1, N+1): ``x_moving = T x_fixed``."""
    distance: float
    """How far it moves the middle of the fixed image, in mm."""
    overlap: Overlap | None
    """How the fields of view lie in the world; ``None`` where the headers do not say it."""

    def told(self, moving: str | Path, fixed: str | Path) -> str:
        """A line for a person."""
        line = f"{moving} -> {fixed}: start {self.kind}, moved by {self.distance:.2f} mm; "
        if self.overlap is None:
            return line + "the headers do not say where the images lie"
        if self.overlap.is_none:
            return line + _apart(self.overlap)
        return line + f"{self.overlap.share:.0%} of the smaller field of view is in the other"


def find_start(
    kind: str,
    fixed: FieldOfView,
    moving: FieldOfView,
    *,
    overlap: Overlap | None,
    masses: Callable[[], tuple[np.ndarray, np.ndarray]] | None = None,
    affine: Callable[[], np.ndarray] | None = None,
    stretched: bool = False,
) -> Start:
    """Where a pair of images meets.

    ``auto`` is ``world`` where more than ``MOSTLY`` of the smaller field of view is inside the
    other, and ``center`` elsewhere.

    Args:
        kind: One of ``STARTS``.
        fixed: What is seen of the fixed image.
        moving: What is seen of the moving image.
        overlap: Of the images in the world; ``None`` where the headers do not say where they lie.
        masses: Gives the centers of mass in mm, the fixed image's first, for ``mass``.
        affine: Gives the transform, for ``affine``.
        stretched: About the centers, each axis is stretched from one box to the other: images
            without a voxel size that training resized to one size.
    """
    if kind == "auto":
        kind = "world" if overlap is not None and overlap.share > MOSTLY else "center"
    transform = np.eye(len(fixed.affine))
    if kind == "affine" and affine is not None:
        transform = affine()
    elif kind != "world":
        centers = masses() if kind == "mass" and masses else (fixed.center, moving.center)
        transform = _onto(*centers, linear=_stretch(fixed, moving) if stretched else None)
    distance = float(np.linalg.norm(transformed(transform, fixed.center) - fixed.center))
    return Start(kind, transform, distance, overlap)


def refuse_apart(overlap: Overlap | None, *, moving: str | Path, fixed: str | Path) -> None:
    """Stop where the world is to be the start and the images have nothing of it in common.

    Raises:
        InputError: With both names and the distance.
    """
    if overlap is not None and overlap.is_none:
        raise InputError(
            f"--start world: {moving} and {fixed}: {_apart(overlap)}; use --start center or mass"
        )


def _apart(overlap: Overlap) -> str:
    return (
        f"they do not overlap in the world: {overlap.gap:.1f} mm lie between them, "
        f"{overlap.centers:.1f} mm between their centers"
    )


def _onto(fixed: np.ndarray, moving: np.ndarray, *, linear: np.ndarray | None) -> np.ndarray:
    """The affine that takes one point to the other, and stretches about it."""
    transform = np.eye(len(fixed) + 1)
    if linear is not None:
        transform[:-1, :-1] = linear
    transform[:-1, -1] = moving - transform[:-1, :-1] @ fixed
    return transform


def _stretch(fixed: FieldOfView, moving: FieldOfView) -> np.ndarray:
    """From steps through one box to the same shares of the other, (N, N)."""
    shares = np.asarray(moving.shape) / np.asarray(fixed.shape)
    return moving.affine[:-1, :-1] * shares @ np.linalg.inv(fixed.affine[:-1, :-1])


def center_of_mass(image: MetaTensor) -> np.ndarray:
    """Mean position in mm, RAS+, of the voxels of the first channel, weighted by intensity, (N,).

    As ITK's moments of an image. Where intensities are below 0, as in CT, they count from the
    least one, for which moments have no rule.
    """
    weights = image.as_tensor()[0].double()
    weights = weights - weights.min().clamp_max(0)
    total = float(weights.sum())
    if total == 0:
        return FieldOfView.of(image).center
    means = [
        float((weights.sum([k for k in range(weights.ndim) if k != axis]) @ steps) / total)
        for axis, steps in enumerate(torch.arange(n, dtype=weights.dtype) for n in weights.shape)
    ]
    return transformed(FieldOfView.of(image).affine, means)
