"""What a file holds, on the grid that it says, before it becomes a tensor."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from gemini_monai.base.errors import InputError


class Stored(NamedTuple):
    """Values and grid of a file."""

    values: np.ndarray
    """(C, *S), of the file's own type."""
    affine: np.ndarray
    """Voxel to RAS+ mm, (4, 4); (3, 3) of an ITK file of two axes."""
    has_voxel_size: bool = True
    """Whether the file says a voxel size; else the affine counts voxels."""


def refuse_other_length(path: Path, *, held: int, needed: int) -> None:
    """Stop at a file whose voxels begin or end elsewhere than its header says.

    Args:
        path: For the message.
        held: Bytes that are there.
        needed: Bytes that the header asks for.

    Raises:
        InputError: If there are more, or fewer.
    """
    if held < needed:
        raise InputError(
            f"{path}: {needed - held} bytes fewer than its header says ({needed}); the file is "
            "cut short, or the header's sizes are wrong"
        )
    if held > needed:
        raise InputError(
            f"{path}: {held - needed} bytes more than its header says ({needed}); the header's "
            "sizes, or the place where it says that voxels begin, are wrong"
        )


def without_opacity(values: np.ndarray, path: Path) -> np.ndarray:
    """Gray or colors (C, *S) without their last channel, opacity, where all of it is opaque.

    Raises:
        InputError: If something is transparent: what is shown there depends on what lies behind.
    """
    *colors, opacity = values
    if bool((opacity != np.iinfo(values.dtype).max).any()):
        raise InputError(
            f"{path}: is transparent in places, and what shows there depends on what lies behind; "
            "store it without transparency"
        )
    return np.stack(colors)
