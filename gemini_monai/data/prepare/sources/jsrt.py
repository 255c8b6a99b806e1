"""Files of JSRT and SCR, which MONAI does not read: raw radiographs and GIF masks, as NIfTI."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from einops import reduce
from PIL import Image

from gemini_monai.base.errors import InputError
from gemini_monai.data.prepare.codes import is_current
from gemini_monai.images import write_image
from gemini_monai.images.write import refuse_foreign

RAW_SIZE = 2048
"""Rows and columns of a raw radiograph."""
RAW_BYTES = 2 * RAW_SIZE**2
SIZE = RAW_SIZE // 2
"""Rows and columns of a mask, and of a radiograph after conversion."""
BRIGHTEST = 4095
"""The highest value of 12 bits."""
PIXEL = 0.35
"""Side of a converted pixel in mm; a raw one has 0.175."""

# Arrays are (x, y) with y down, as MONAI reads PNG. In RAS, x to the patient's left and y down are
# both negative, so that viewers show the image upright with the patient's right on the left.
AFFINE = np.diag([-PIXEL, -PIXEL, 1.0, 1.0])


def check_size(raw: Path) -> None:
    """Refuse a raw radiograph of another size without reading it.

    Raises:
        InputError: If the file has not exactly 2048 x 2048 values of 16 bits.
    """
    size = raw.stat().st_size
    if size != RAW_BYTES:
        raise InputError(
            f"{raw}: {size} bytes, expected {RAW_BYTES} ({RAW_SIZE} x {RAW_SIZE} of 16 bits); "
            "downloaded in part?"
        )


def convert_radiograph(raw: Path, *, target: Path) -> Path:
    """Write a raw radiograph as MONAI reads it, unless ``target`` is newer than it.

    The file has 2048 rows of 2048 big-endian unsigned 16-bit values, of which 12 bits are used and
    high ones are dark. The result is the usual display, lungs dark and bone bright: 1024 x 1024
    means of 2 x 2 pixels, rounded, in 0 to 4095, with pixels of 0.35 mm.

    Args:
        raw: ``.IMG`` file; never changed.
        target: NIfTI file.

    Raises:
        InputError: If a value does not fit in 12 bits, as when the bytes are in another order.
    """
    if is_current(target, source=raw):
        return target
    values = np.fromfile(raw, dtype=">u2").reshape(RAW_SIZE, RAW_SIZE)
    if values.max() > BRIGHTEST:
        raise InputError(
            f"{raw}: values up to {values.max()}, expected 12 bits (0 to {BRIGHTEST}) in "
            "big-endian order"
        )
    means = reduce(values.astype(float), "(y two) (x also) -> y x", "mean", two=2, also=2)
    return _write(np.rint(BRIGHTEST - means).astype(np.int16), target)


def merge_masks(masks: Sequence[Path], *, target: Path) -> Path:
    """Write the union of binary GIF masks as zeros and ones, unless ``target`` is newer than all.

    Args:
        masks: GIF files of 1024 x 1024 pixels, such as the left and the right lung; never changed.
        target: NIfTI file, on the grid of ``convert_radiograph``.

    Raises:
        InputError: If a mask cannot be read, has another size, or has more than two values.
    """
    if all(is_current(target, source=mask) for mask in masks):
        return target
    union = np.any([_read_mask(mask) for mask in masks], axis=0)
    return _write(union.astype(np.uint8), target)


def _read_mask(path: Path) -> np.ndarray:
    """Foreground (rows, columns)."""
    try:
        with Image.open(path) as file:
            values = np.asarray(file.convert("L"))  # through the palette; indices may be anything
    except (OSError, SyntaxError, EOFError) as error:
        raise InputError(f"{path}: cannot be read as an image: {error}") from error
    if values.shape != (SIZE, SIZE):
        raise InputError(f"{path}: a mask of {values.shape}, expected {(SIZE, SIZE)}")
    distinct = np.unique(values)
    if len(distinct) > 2 or distinct[0] != 0:
        raise InputError(
            f"{path}: a mask of one structure, but it has {len(distinct)} value(s) "
            f"from {distinct[0]} to {distinct[-1]}; expected 0 and another"
        )
    return values > 0


def _write(rows: np.ndarray, target: Path) -> Path:
    refuse_foreign(target)
    return write_image(target, rows.T[None], affine=AFFINE)
