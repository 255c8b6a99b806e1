"""Pixels of a DICOM slice as they are meant: rescaled, dark to bright, colors as RGB.

ITK 5.4 applies rescaling, color tables and MONOCHROME1. It passes over lookup tables of the
modality, colors of other spaces that are not compressed, and padding; a window (VOI) is how one
reader looked at the values, and is not applied.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.images.itk_image import itk_image

MODALITY, PHOTOMETRIC, SHAPE = "0008|0060", "0028|0004", "2050|0020"
ALLOCATED, STORED, IS_SIGNED = "0028|0100", "0028|0101", "0028|0103"
PADDING = ("0028|0120", "0028|0121")
"""A value of what is no part of the picture, and the other end of a range of such values."""
SLOPE = "0028|1053"
MEASURED = ("CT", "PT")
"""Modalities whose rescaled values are quantities, such as Hounsfield units."""
INVERTED, TABLE = "MONOCHROME1", "PALETTE COLOR"
SHOWN = ("", INVERTED, "MONOCHROME2", TABLE, "RGB")
"""What ITK gives as it is seen; a file may not say."""
BEGINNING = 1 << 20
"""Bytes that are searched for what ITK does not tell."""
MODALITY_LUT = re.compile(rb"\x28\x00\x00\x30(?:SQ\x00\x00)?.{4}\xfe\xff\x00\xe0", re.DOTALL)
"""Tag, length and first item of a Modality LUT Sequence, little-endian."""
PIXELS = b"\xe0\x7f\x10\x00"
SYNTAX = re.compile(rb"\x02\x00\x10\x00UI..([\d.]+)", re.DOTALL)
DECODED = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 90, 91))
"""Compressions whose decoders give RGB: JPEG baseline and extended, JPEG 2000."""


class Pixels(NamedTuple):
    """Of one file."""

    values: np.ndarray
    """(frames, rows, columns, colors)."""
    padding: np.ndarray
    """Of the same shape: what is no part of the picture."""


def note(header: Any, tag: str) -> str:
    """What ITK's header of a file says, such as ``0008|0060``; empty where it says nothing."""
    notes = header.GetMetaDataDictionary()
    return str(notes[tag]).strip(" \0") if notes.HasKey(tag) else ""


def slice_pixels(file: Path, header: Any, *, label: bool) -> Pixels:
    """Pixels of one slice, in the values that its rescaling gives.

    Args:
        file: DICOM of one frame.
        header: ITK's reader of it, which has read the header.
        label: Values are numbers of structures, so none may have been exchanged for another.

    Raises:
        InputError: If something stands between stored values and picture that is not applied.
    """
    photometric = note(header, PHOTOMETRIC)
    _refuse_unshown(file, header, photometric)
    if label and photometric in (INVERTED, TABLE):
        raise InputError(f"{file}: {photometric}, whose values are not those that it shows")
    values = itk_image(file, header).values  # (C, X, Y, 1)
    values = values[..., 0].T[None]
    if photometric == TABLE and bool((values == values[..., :1]).all()):
        values = values[..., :1]
    return Pixels(values, _padding(values, header, inverted=photometric == INVERTED))


def without_padding(values: np.ndarray, padding: np.ndarray) -> np.ndarray:
    """Values in which padding is as dark as the darkest of the rest."""
    if padding.any() and not padding.all():
        values = values.copy()
        values[padding] = values[~padding].min()
    return values


def _refuse_unshown(file: Path, header: Any, photometric: str) -> None:
    slope, intercept = header.GetRescaleSlope(), header.GetRescaleIntercept()
    if note(header, SLOPE) and float(note(header, SLOPE)) == 0:
        raise InputError(f"{file}: RescaleSlope is 0, so every value would be one")
    measured = note(header, MODALITY) in MEASURED and (slope, intercept) != (1, 0)
    if photometric == INVERTED and measured:
        raise InputError(
            f"{file}: {INVERTED} with a rescaling to quantities, such as Hounsfield units; what is "
            "dark is not said"
        )
    if photometric != INVERTED and note(header, SHAPE) == "INVERSE":
        raise InputError(f"{file}: PresentationLUTShape is INVERSE, but {photometric} is not")
    beginning = _beginning(file)
    if MODALITY_LUT.search(beginning):
        raise InputError(
            f"{file}: a lookup table of the modality (Modality LUT Sequence), which is not "
            "applied; store rescaled values"
        )
    syntax = SYNTAX.search(beginning)
    is_decoded = syntax is not None and syntax[1].decode() in DECODED
    if photometric not in SHOWN and not is_decoded:
        raise InputError(f"{file}: colors of kind {photometric}; store them as RGB")


def _beginning(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(BEGINNING).partition(PIXELS)[0]


def _padding(values: np.ndarray, header: Any, *, inverted: bool) -> np.ndarray:
    ends = [int(float(note(header, tag))) for tag in PADDING if note(header, tag)]
    if not ends or values.shape[-1] > 1:
        return np.zeros(values.shape, bool)
    allocated, stored = (int(note(header, tag)) for tag in (ALLOCATED, STORED))
    is_signed = note(header, IS_SIGNED) == "1"
    if is_signed:  # some write them as if they were not
        ends = [end - 2**allocated if end >= 2 ** (allocated - 1) else end for end in ends]
    if inverted:
        ends = [(-1 if is_signed else 2**stored - 1) - end for end in ends]
    ends = [header.GetRescaleSlope() * end + header.GetRescaleIntercept() for end in ends]
    return np.asarray((values >= min(ends)) & (values <= max(ends)))
