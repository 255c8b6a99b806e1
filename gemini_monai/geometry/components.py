"""What of a label hangs together: its largest part kept, its holes closed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

Change = Callable[[np.ndarray], np.ndarray]
"""Of one structure's mask (*S)."""


def largest_components(
    label: Tensor, structures: Iterable[int] | None = None, *, overlapping: bool = False
) -> Tensor:
    """Of each structure its largest component; its others become background.

    Voxels that touch, if only by a corner, are of one component; of two alike in size the first
    stays. The work is the processor's, wherever the label is.

    Args:
        label: Class indices (B, 1, *S), 0 for background; or masks (B, K, *S) of zeros and ones.
        structures: Class indices, or channels, of those that are changed; ``None`` for all.
        overlapping: Whether ``label`` has masks.
    """
    return _changed(label, structures, largest_component, overlapping=overlapping)


def without_holes(label: Tensor, structures: Iterable[int], *, overlapping: bool = False) -> Tensor:
    """Background that a structure encloses becomes the structure's.

    Of an image of three axes, a hole is closed in all directions. What another structure has
    stays. The work is the processor's, wherever the label is.

    Args:
        label: As of ``largest_components``.
        structures: As there.
        overlapping: As there.
    """
    return _changed(label, structures, ndimage.binary_fill_holes, overlapping=overlapping)


def largest_component(mask: np.ndarray) -> np.ndarray:
    """Of a mask (*S) its largest component; an empty one stays so."""
    numbers, count = components(mask)
    if count < 2:
        return mask
    kept: np.ndarray = numbers == np.bincount(numbers.ravel())[1:].argmax() + 1
    return kept


def components(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """The number of each voxel's component, 0 outside, and how many there are."""
    numbers, count = ndimage.label(mask, structure=np.ones([3] * mask.ndim))
    return numbers, int(count)


def has_holes(mask: np.ndarray) -> bool:
    """Whether a mask (*S) encloses something that it does not have."""
    return bool((ndimage.binary_fill_holes(mask) != mask).any())


def _changed(
    label: Tensor, structures: Iterable[int] | None, change: Change, *, overlapping: bool
) -> Tensor:
    values = label.detach().cpu().numpy().copy()
    for image in values:
        if overlapping:
            for k in range(len(image)) if structures is None else structures:
                image[k] = change(image[k] > 0)
        else:
            _change_map(image[0], structures, change)
    return torch.from_numpy(values).to(label.device)


def _change_map(values: np.ndarray, structures: Iterable[int] | None, change: Change) -> None:
    """Class indices (*S), in place."""
    there = np.unique(values[values > 0])
    for k in there if structures is None else np.intersect1d(there, list(structures)):
        before = values == k
        after = change(before)
        values[before & ~after] = 0
        values[after & (values == 0)] = k
