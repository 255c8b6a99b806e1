"""PNG and JPEG: as they are shown, or of labels the numbers that they store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFile
from PIL.ExifTags import Base

from gemini_monai.base.errors import InputError
from gemini_monai.images.itk_image import itk_header, itk_image
from gemini_monai.images.stored import Stored, without_opacity

COLORS = 3
FORMATS = ("PNG", "JPEG", "MPO")
"""By content; the last is a JPEG with further pictures after the one that is shown."""
SHOWN = ("L", "LA", "RGB", "RGBA", "I;16")
"""Kinds of pixels whose numbers are what is seen."""
TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda rows: rows[:, ::-1],
    3: lambda rows: rows[::-1, ::-1],
    4: lambda rows: rows[::-1],
    5: lambda rows: rows.swapaxes(0, 1),
    6: lambda rows: np.rot90(rows, -1),
    7: lambda rows: np.rot90(rows, 2).swapaxes(0, 1),
    8: lambda rows: np.rot90(rows),
}
"""From rows as they are stored to rows as they are seen, by EXIF's orientation."""
PNG_DEPTH = slice(24, 25)
"""Where a PNG file says how many bits a sample has."""


def read_picture(path: Path, *, label: bool) -> Stored:
    """A picture (C, X, Y), X to the right and Y downwards, as a viewer shows it.

    A color table is applied, and what EXIF says of orientation; gray stored as colors has one
    channel. Gamma and color profiles are not applied.

    Args:
        path: PNG or JPEG.
        label: Numbers of a color table, and of gray with less than 8 bits, stay what they are.

    Raises:
        InputError: If it is damaged, another format, an animation, transparent in places, of colors
            such as CMYK that need a profile to be shown, or a label in JPEG.
    """
    with Image.open(path) as picture:
        _refuse_damaged(path, picture)
        if label and picture.format != "PNG":
            raise InputError(
                f"{path}: {picture.format} changes values, so it cannot hold a label; export PNG "
                "or NIfTI"
            )
        turn = TURNS.get(picture.getexif().get(Base.Orientation, 1), np.asarray)
        rows = _numbers(picture, path) if label else _seen(picture, path)
    values = np.ascontiguousarray(turn(rows).transpose(2, 1, 0))
    if len(values) in (2, 4):
        values = without_opacity(values, path)
    is_gray = len(values) == COLORS and bool((values == values[:1]).all())
    return Stored(values[:1] if is_gray else values, np.eye(4), has_voxel_size=False)


def _refuse_damaged(path: Path, picture: ImageFile.ImageFile) -> None:
    if picture.format not in FORMATS:
        raise InputError(f"{path}: {picture.format} by its content, expected PNG or JPEG")
    if picture.format == "PNG":
        frames = getattr(picture, "n_frames", 1)
        if frames > 1:
            raise InputError(f"{path}: an animation of {frames} pictures, expected one")
        with Image.open(path) as again:
            again.verify()  # checksums, which loading passes over


def _seen(picture: Any, path: Path) -> np.ndarray:
    """Rows of pixels (Y, X, C) in the colors that are shown."""
    if _depth(picture, path) == 16:  # Pillow cuts colors to 8 bits
        return itk_image(path, itk_header(path)).values.transpose(2, 1, 0)
    has_opacity = picture.has_transparency_data
    if picture.mode in ("P", "PA"):
        picture = picture.convert("RGBA" if has_opacity else "RGB")
    elif picture.mode == "1":
        picture = picture.convert("L")
    elif has_opacity and picture.mode in ("L", "RGB"):
        picture = picture.convert("LA" if picture.mode == "L" else "RGBA")
    if picture.mode not in SHOWN:
        raise InputError(f"{path}: colors of kind {picture.mode}; store it as gray or RGB")
    return _with_channels(np.asarray(picture))


def _numbers(picture: Any, path: Path) -> np.ndarray:
    """Rows of pixels (Y, X, C) as they are stored, which of gray Pillow spreads over 8 bits."""
    if picture.mode not in ("1", "L", "P"):
        return _seen(picture, path)
    rows = _with_channels(np.asarray(picture)).astype(np.uint8)
    depth = _depth(picture, path)
    return rows // (255 // (2**depth - 1)) if picture.mode == "L" and depth < 8 else rows


def _with_channels(rows: np.ndarray) -> np.ndarray:
    return rows[..., None] if rows.ndim == 2 else rows


def _depth(picture: Any, path: Path) -> int:
    """Bits of a sample."""
    if picture.format != "PNG":
        return 8
    with path.open("rb") as file:
        return file.read(PNG_DEPTH.stop)[PNG_DEPTH.start]
