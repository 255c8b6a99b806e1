"""Reading images as they come, with errors that name the file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.data.prepare.kept_files import kept_image
from gemini_monai.images import has_voxel_size, is_picture
from gemini_monai.images.png_and_jpeg import COLORS
from gemini_monai.images.read import is_colored

SMALLEST = 2
"""Voxels an axis: below, nothing can be deformed."""


@dataclass(frozen=True)
class ImageFacts:
    """What is known of one image after reading it."""

    case: str
    path: Path
    shape: tuple[int, ...]
    """Spatial."""
    channels: int
    spacing: tuple[float, ...] | None
    """In mm; ``None`` where the format has none."""
    affine: np.ndarray
    digest: str
    """SHA-256 of the voxels."""
    minima: tuple[float, ...]
    """Of each channel."""


def refuse_unlike(scans: Sequence[ImageFacts]) -> None:
    """Stop at images that no training can use together.

    Raises:
        InputError: For two images of one content, for images of different dimensions or channels,
            and for some with voxel sizes and some without.
    """
    _refuse_duplicates(scans)
    for name in ("dimensions", "channels"):
        _refuse_mixed(scans, name)
    _refuse_mixed_sizes(scans)


def refuse_spacing(scans: Sequence[ImageFacts], spacing: Any) -> None:
    """Stop at a voxel size for images that have none of their own.

    Raises:
        InputError: Naming the first of them.
    """
    for entry in scans if spacing is not None else ():
        if entry.spacing is None:
            raise InputError(
                f"{entry.path}: says no voxel size, so it cannot be brought to {list(spacing)} mm; "
                "leave --spacing out, or store images as NIfTI"
            )


def scan(case: str, path: Path) -> ImageFacts:
    """Read an image and refuse what no training can use.

    Raises:
        InputError: For an unreadable, singular or not finite image, a constant one or a constant
            channel, or one of a single voxel along an axis.
    """
    image = kept_image(path)
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise InputError(f"{path}: holds values that are not finite (NaN or infinity)")
    _refuse_constant(values, path)
    axes = values.ndim - 1
    if axes not in (2, 3):
        raise InputError(f"{path}: expected a 2-D or 3-D image, got shape {values.shape[1:]}")
    if min(values.shape[1:]) < SMALLEST:
        raise InputError(
            f"{path}: one voxel along an axis, shape {values.shape[1:]}; a slice alone is an image "
            "of two axes: store it as (x, y) or (x, y, 1)"
        )
    return ImageFacts(
        case=case,
        path=path,
        shape=tuple(values.shape[1:]),
        channels=values.shape[0],
        spacing=tuple(map(float, image.pixdim[:axes])) if has_voxel_size(image) else None,
        affine=np.asarray(image.affine),
        digest=hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest(),
        minima=tuple(float(channel.min()) for channel in values),
    )


def _refuse_constant(values: np.ndarray, path: Path) -> None:
    """Nothing can be learned of what is the same everywhere, nor can it be scaled."""
    if values.min() == values.max():
        raise InputError(f"{path}: constant image, every value is {values.min():g}")
    for number, channel in enumerate(values, start=1):
        if channel.min() == channel.max() and not is_colored(path, len(values)):
            raise InputError(
                f"{path}: channel {number} of {len(values)} is constant, every value is "
                f"{channel.min():g}"
            )


def _refuse_duplicates(scans: Iterable[ImageFacts]) -> None:
    seen: dict[str, ImageFacts] = {}
    for entry in scans:
        if entry.digest in seen:
            raise InputError(f"{entry.path}: same content as {seen[entry.digest].path}; remove one")
        seen[entry.digest] = entry


def _refuse_mixed(scans: Sequence[ImageFacts], what: str) -> None:
    values = [entry.channels if what == "channels" else len(entry.shape) for entry in scans]
    common = max(set(values), key=values.count)
    for entry, value in zip(scans, values, strict=True):
        gray = what == "channels" and value == 1 and is_picture(entry.path)
        if value != common and not (gray and common == COLORS):
            raise InputError(
                f"{entry.path}: {value} {what}, most others have {common}; all must agree"
            )


def _refuse_mixed_sizes(scans: Sequence[ImageFacts]) -> None:
    with_size = [entry for entry in scans if entry.spacing is not None]
    without = [entry for entry in scans if entry.spacing is None]
    if with_size and without:
        raise InputError(
            f"{without[0].path}: says no voxel size, such as a PNG, but {with_size[0].path} does "
            f"({len(without)} and {len(with_size)} of the images); store all as NIfTI with their "
            "voxel sizes, or all as PNG"
        )
