"""Label maps as segmentations of 3D Slicer, and the names and colors of labels for ITK-SNAP."""

from __future__ import annotations

import colorsys
import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.data.utils import to_affine_nd

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import writing
from gemini_monai.geometry.world.axes import LPS, is_sheared
from gemini_monai.images.write import smallest_type

KINDS = {"uint8": "unsigned char", "uint16": "unsigned short", "uint32": "unsigned int"}
"""NRRD's names of types."""
UNWRITABLE = ("\n", "\r", "\\")
"""In a line of a NRRD header, which would have to be escaped."""
TURN = 0.618034
"""Of the circle of hues to the next structure: the golden section, so that none repeats."""
SNAP = """\
################################################
# ITK-SnAP Label Description File
# File format:
# IDX   -R-  -G-  -B-  -A--  VIS MSH  LABEL
################################################
    0     0    0    0        0  0  0    "Clear Label"
"""


def label_color(place: int) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of the structure in this place, counted from 0."""
    red, green, blue = colorsys.hsv_to_rgb((place * TURN) % 1, 0.7, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)


def snap_descriptions(structures: Mapping[int, str]) -> str:
    """Text of a label description file of ITK-SNAP.

    Args:
        structures: Name of each value of the label maps, without background.
    """
    lines = []
    for place, (value, name) in enumerate(structures.items()):
        red, green, blue = label_color(place)
        shown = name.replace('"', "'")
        lines.append(f'{value:5d} {red:5d}{green:5d}{blue:5d}        1  1  1    "{shown}"\n')
    return SNAP + "".join(lines)


def write_segments(
    path: Path,
    label: np.ndarray,
    *,
    affine: Any,
    structures: Sequence[str],
    values: Sequence[int] | None = None,
) -> Path:
    """Write a ``.seg.nrrd`` file, a named and colored segment a structure, whole or not at all.

    Args:
        path: The file.
        label: Map (1, *S) of ``values`` and 0; or masks (K, *S) of zeros and ones, a layer each.
        affine: Voxel to RAS+ mm; an image of two axes becomes a volume of one slice.
        structures: Name of each segment.
        values: Of each structure in the map; ``None`` for masks.

    Raises:
        InputError: If it cannot be written, or the format cannot hold it.
    """
    grid = to_affine_nd(3, np.asarray(affine, dtype=float))
    if is_sheared(grid):
        raise InputError(
            f"{path}: a sheared grid can only be written as NIfTI: --output_ext .nii.gz"
        )
    for name in structures:
        if any(character in name for character in UNWRITABLE):
            raise InputError(f"{path}: 3D Slicer has no segment of the name {name!r}")
    kind = smallest_type([0, *(values or (1,))])
    if kind.name not in KINDS:
        raise InputError(f"{path}: label values above 4294967295 can only be written as NIfTI")
    layers = np.asarray(label).astype(kind.newbyteorder("<"))
    layers = layers if layers.ndim == 4 else layers[..., None]
    array = layers[0] if values is not None else layers
    header = [*_header(array, grid, KINDS[kind.name]), *_segments(layers, structures, values)]
    text = "\n".join(header).encode() + b"\n\n"
    data = gzip.compress(array.tobytes(order="F"), mtime=0)
    writing(path, lambda part: part.write_bytes(text + data))
    return path


def _header(array: np.ndarray, affine: np.ndarray, kind: str) -> list[str]:
    """Fields of the grid; layers are the first axis, which has no place in space."""
    lps = LPS @ affine
    layered = array.ndim == 4
    vectors = [f"({','.join(map(repr, axis.tolist()))})" for axis in lps[:3, :3].T + 0.0]
    origin = ",".join(map(repr, (lps[:3, 3] + 0.0).tolist()))
    return [
        "NRRD0004",
        f"type: {kind}",
        f"dimension: {array.ndim}",
        "space: left-posterior-superior",
        f"sizes: {' '.join(map(str, array.shape))}",
        f"space directions: {' '.join([*(['none'] if layered else []), *vectors])}",
        f"kinds: {'list ' if layered else ''}domain domain domain",
        "endian: little",
        "encoding: gzip",
        f"space origin: ({origin})",
    ]


def _segments(
    layers: np.ndarray, structures: Sequence[str], values: Sequence[int] | None
) -> list[str]:
    lines = ["Segmentation_MasterRepresentation:=Binary labelmap"]
    lines += ["Segmentation_ContainedRepresentationNames:=Binary labelmap|"]
    lines += ["Segmentation_ReferenceImageExtentOffset:=0 0 0"]
    extent = " ".join(f"0 {size - 1}" for size in layers.shape[1:])
    for place, name in enumerate(structures):
        color = " ".join(f"{part / 255:.6g}" for part in label_color(place))
        said = {
            "ID": f"Segment_{place + 1}",
            "Name": name,
            "NameAutoGenerated": 0,
            "Color": color,
            "ColorAutoGenerated": 0,
            "LabelValue": 1 if values is None else values[place],
            "Layer": place if values is None else 0,
            "Extent": extent,
        }
        lines += [f"Segment{place}_{key}:={value}" for key, value in said.items()]
    return lines
