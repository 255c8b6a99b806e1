"""The one grid on which a network sees two images, of the size that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.base.devices import has_double, in_double, near
from gemini_monai.geometry.types import DDF, Image
from gemini_monai.geometry.warp import identity_grid, sample, sampling_positions
from gemini_monai.geometry.world import FieldOfView, grid_distance, to_world, transformed

WHOLE = 1e-3
"""Voxels by which grids may differ that are cropped and padded and not interpolated."""


class CommonGrid:
    """A window of the fixed image's grid, and the same window as the start moves it.

    An axis that is shorter than the window is padded on both sides, as in training. A longer one is
    cropped about the middle of what both images show, which is its own middle where they show the
    same.

    Args:
        fixed: Grid of the fixed image, as preprocessed.
        moving: Grid of the moving image, likewise.
        start: From the fixed image's world to the moving one's, (N+1, N+1).
        size: Voxels of the window along each axis.
    """

    def __init__(
        self, fixed: FieldOfView, moving: FieldOfView, start: np.ndarray, size: Sequence[int]
    ) -> None:
        self.size = tuple(int(axis) for axis in size)
        to_fixed = np.linalg.inv(fixed.affine) @ np.linalg.inv(start)
        self.corner = _corner(fixed.shape, transformed(to_fixed, moving.corners), self.size)
        """Voxel of the fixed image where the window begins; below 0 where it is padded."""
        self.in_fixed = _shift(self.corner)
        """From voxels of the window to voxels of the fixed image, (N+1, N+1)."""
        self.grid = fixed.affine @ self.in_fixed
        """From voxels of the window to the fixed image's world."""
        self.in_moving = np.linalg.inv(moving.affine) @ start @ self.grid
        """From voxels of the window to voxels of the moving image."""
        whole = np.round(self.in_moving)
        if _is_shift(whole) and grid_distance(whole, self.in_moving, self.size) < WHOLE:
            self.in_moving = whole

    @property
    def is_that_of_both(self) -> bool:
        """Whether the window begins where both images do, and steps as they do."""
        return not any(self.corner) and np.array_equal(self.in_moving, np.eye(len(self.grid)))

    def fixed(self, image: Tensor) -> Tensor:
        """The fixed image, or a label of it, (C, *T), in the window, (C, *S); zeros around."""
        return _cropped(image, self.corner, self.size)

    def moving(self, image: Tensor, *, mode: str = "bilinear") -> Tensor:
        """The moving image, or a label of it, (C, *T), in the window, (C, *S); zeros around."""
        if _is_shift(self.in_moving):
            corner = tuple(int(axis) for axis in self.in_moving[:-1, -1])
            return _cropped(image, corner, self.size)
        device = image.device if has_double(image.device) else None
        places = identity_grid(self.size, dtype=torch.float64, device=device)
        positions = near(to_world(places, torch.as_tensor(self.in_moving)), image)
        return sample(image[None], positions[None], mode=mode)[0].to(image.dtype)

    def warped(self, image: Image, ddf: DDF, *, mode: str = "bilinear") -> Image:
        """The moving image (1, C, *T) warped by a field of the window (1, N, *S), sampled once."""
        positions = sampling_positions(ddf)
        if not np.array_equal(self.in_moving, np.eye(len(self.in_moving))):
            matrix = torch.as_tensor(self.in_moving)
            positions = near(to_world(in_double(positions[0]), matrix)[None], image)
        return sample(image, positions, mode=mode)

    def returned(self, image: Tensor, shape: Sequence[int]) -> Tensor:
        """What the window holds, (C, *S), on the fixed image's grid, (C, *T); zeros around."""
        return _cropped(image, tuple(-axis for axis in self.corner), tuple(shape))


def _corner(shape: Sequence[int], other: np.ndarray, size: tuple[int, ...]) -> tuple[int, ...]:
    """Where the window begins; ``other`` are corners of the other image in voxels, (2^N, N)."""
    first = np.maximum(other.min(axis=0), -0.5)
    last = np.minimum(other.max(axis=0), np.asarray(shape) - 0.5)
    corner = []
    for n, wanted, low, high in zip(shape, size, first, last, strict=True):
        if n <= wanted:
            corner.append(-((wanted - n) // 2))
            continue
        aside = (low + high) / 2 - (n - 1) / 2 if low < high else 0.0
        begin = n // 2 - wanted // 2 + round(float(aside))
        corner.append(min(max(begin, 0), n - wanted))
    return tuple(corner)


def _shift(voxels: Sequence[int]) -> np.ndarray:
    matrix = np.eye(len(voxels) + 1)
    matrix[:-1, -1] = voxels
    return matrix


def _is_shift(matrix: np.ndarray) -> bool:
    """Whether an affine moves by whole voxels and does nothing else."""
    return np.array_equal(matrix, _shift(np.round(matrix[:-1, -1]).tolist()))


def _cropped(image: Tensor, corner: tuple[int, ...], size: tuple[int, ...]) -> Tensor:
    """A window of an image (C, *T) that begins at a voxel, (C, *S), with zeros outside."""
    shape = image.shape[1:]
    ranges = list(zip(corner, size, shape, strict=True))
    if any(begin >= n or begin + wanted <= 0 for begin, wanted, n in ranges):
        return image.new_zeros(len(image), *size)
    padding = [side for begin, wanted, n in ranges[::-1] for side in (-begin, begin + wanted - n)]
    return F.pad(image, padding)
