"""Whether a file says where in the world its image lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
from nibabel.filebasedimages import ImageFileError

from gemini_monai.images.names import is_dicom, is_picture, suffix_of

HEADER = 2**16
"""Bytes of a text header that are looked at."""
ORIGINS = {
    ".nrrd": (b"space origin:",),
    ".mha": (b"\nOffset", b"\nPosition", b"\nOrigin"),
    ".mhd": (b"\nOffset", b"\nPosition", b"\nOrigin"),
}
"""Lines that give the first voxel its place, by format."""


def says_where(file: Any) -> bool:
    """Whether an image's header gives it a place in the world.

    PNG and JPEG do not, nor NIfTI whose two codes are 0, nor NRRD, MHA and MHD without an origin.
    A file that cannot be read counts as saying it; its reader tells what is wrong.

    Args:
        file: As ``read`` takes it; of several files the first.
    """
    path = Path(file[0] if isinstance(file, (list, tuple)) else file)
    if is_picture(path):
        return False
    if is_dicom(path):
        return True
    try:
        return _says_where(path, (suffix_of(path) or "").lower())
    except (OSError, ValueError, ImageFileError):
        return True


def _says_where(path: Path, suffix: str) -> bool:
    if suffix in ORIGINS:
        with path.open("rb") as file:
            start = b"\n" + file.read(HEADER)
        return any(line in start for line in ORIGINS[suffix])
    header = nib.load(path).header
    return any(int(header[code]) > 0 for code in ("qform_code", "sform_code"))
