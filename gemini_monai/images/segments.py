"""Segmentations of 3D Slicer (``.seg.nrrd``): named segments, in layers where they overlap."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.world.axes import grid_distance
from gemini_monai.images.nrrd import read_nrrd
from gemini_monai.images.stored import Stored
from gemini_monai.images.text_headers import nrrd_header

BINARY = "binary labelmap"
REPRESENTATIONS = ("Segmentation_SourceRepresentation", "Segmentation_MasterRepresentation")
NUMBER = re.compile(r"Segment(\d+)_(?:ID|Name|LabelValue|Layer)")
APART = 0.1
"""Voxels by which a segmentation's grid may lie beside its image's."""


class Segment(NamedTuple):
    """A structure as the header says it."""

    name: str
    layer: int
    """Place among the file's layers, from 0."""
    value: int
    """Of its voxels in that layer."""


class Segmentation(NamedTuple):
    """Of one file."""

    path: Path
    segments: tuple[Segment, ...]
    stored: Stored
    """Layers (L, *S), of the box that has segments, often less than the image."""

    def masks(self) -> dict[str, np.ndarray]:
        """Voxels (*S) of each segment, by name."""
        layers = self.stored.values
        return {segment.name: layers[segment.layer] == segment.value for segment in self.segments}

    def as_map(self, values: Mapping[str, int] | None = None) -> Stored:
        """One map (1, *S) of what excludes one another.

        Args:
            values: Value of each segment by name; ``None`` for the file's own, or 1, 2, 3, ... in
                its order where layers use one value twice.

        Raises:
            InputError: If two segments overlap.
        """
        if values is None:
            stored_values = {segment.name: segment.value for segment in self.segments}
            repeated = len(set(stored_values.values())) < len(stored_values)
            values = (
                {name: k for k, name in enumerate(stored_values, start=1)}
                if repeated
                else stored_values
            )
        label = np.zeros(self.stored.values.shape[1:], np.int64)
        taken = np.zeros(label.shape, bool)
        for name, mask in self.masks().items():
            if bool((taken & mask).any()):
                raise InputError(
                    f"{self.path}: segment '{name}' overlaps another, so they make no label map; "
                    "prepare takes them as structures that overlap"
                )
            label[mask] = values[name]
            taken |= mask
        return self.stored._replace(values=label[None])


def segments_of(path: Path) -> tuple[Segment, ...]:
    """Segments by the header alone, in its order.

    Raises:
        InputError: If there are none, two have one name, or they are no binary label map.
    """
    fields = nrrd_header(path).fields
    kind = next((fields[key] for key in REPRESENTATIONS if key in fields), BINARY)
    if kind.lower() != BINARY:
        raise InputError(f"{path}: {kind}, expected a segmentation stored as binary labelmap")
    numbers = sorted({int(match[1]) for key in fields if (match := NUMBER.fullmatch(key))})
    if not numbers:
        raise InputError(f"{path}: names no segment (Segment0_Name), so it is none of 3D Slicer's")
    segments = tuple(_segment(fields, number) for number in numbers)
    names = [segment.name for segment in segments]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path}: segment '{name}' is there twice")
    return segments


def read_segmentation(path: Path) -> Segmentation:
    """Segments, and the layers that they are in.

    Raises:
        InputError: As ``segments_of`` and ``read_nrrd``; if a layer is missing, or has a value that
            is no segment's.
    """
    segments, stored = segments_of(path), read_nrrd(path)
    for layer, values in enumerate(stored.values):
        declared = {segment.value for segment in segments if segment.layer == layer}
        unknown = sorted(set(np.unique(values).tolist()) - declared - {0})
        if unknown:
            raise InputError(
                f"{path}: value {unknown[0]:g} in layer {layer}, which is no segment's"
            )
    for segment in segments:
        if segment.layer >= len(stored.values):
            raise InputError(
                f"{path}: segment '{segment.name}' is in layer {segment.layer}, the file has "
                f"{len(stored.values)}"
            )
    return Segmentation(path, segments, stored)


def on_grid(label: Stored, *, affine: np.ndarray, shape: Sequence[int], path: Path) -> np.ndarray:
    """A label (C, *S) of some whole voxels of an image's grid on all of it, (C, *T).

    Args:
        label: Zeros are added, and dropped, around it.
        affine: The image's, voxel to RAS+ mm.
        shape: The image's, (*T).
        path: The label's, for messages.

    Raises:
        InputError: If it lies between the image's voxels, or beyond them.
    """
    axes, extent = len(shape), label.values.shape[1:]
    inverse = np.linalg.inv(affine)
    start = np.rint((inverse @ label.affine)[:axes, -1]).astype(int)
    expected = affine.copy()
    expected[:axes, -1] += affine[:axes, :axes] @ start
    apart = grid_distance(expected, label.affine, extent) if len(extent) == axes else np.inf
    if not apart <= APART:
        raise InputError(
            f"{path}: its grid is not a part of its image's; a corner lies {apart:.3g} voxels "
            "away. Export it with the image as reference"
        )
    values = np.zeros((len(label.values), *shape), label.values.dtype)
    first = np.maximum(start, 0)
    last = np.clip(start + extent, first, shape)
    inside = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
    source = tuple(slice(a, b) for a, b in zip(first - start, last - start, strict=True))
    values[(slice(None), *inside)] = label.values[(slice(None), *source)]
    lost = int(np.count_nonzero(label.values) - np.count_nonzero(values))
    if lost:
        raise InputError(f"{path}: {lost} of its voxels lie outside its image")
    return values


def _segment(fields: Mapping[str, str], number: int) -> Segment:
    """Files of before 2021 have a layer for each segment, and do not say so."""
    said = {key: fields.get(f"Segment{number}_{key}") for key in ("Name", "ID", "Layer")}
    return Segment(
        name=(said["Name"] or said["ID"] or f"segment {number}").strip(),
        layer=number if said["Layer"] is None else int(said["Layer"]),
        value=int(fields.get(f"Segment{number}_LabelValue", "1")),
    )
