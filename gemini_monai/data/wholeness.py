"""Which structures are one piece, and without holes, in every labeled image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import ndimage

from gemini_monai.data.cohort import Cohort
from gemini_monai.geometry.components import components, has_holes
from gemini_monai.geometry.labels import IGNORED
from gemini_monai.transforms import LoadScand

LEAST = 3
"""Labeled images that must have a structure before anything is said of it."""


class WholeStructures(NamedTuple):
    """Names of structures, in the order of their values."""

    one_piece: list[str]
    """Of one component in every labeled image that has them; corners touch."""
    without_holes: list[str]
    """Enclosing nothing in any of these."""


def whole_structures(
    cohort: Cohort, *, labeled_cases: int | None = None, labeled_draw: int = 0
) -> WholeStructures:
    """What the labels of the labeled images say of it; no other label is opened.

    Nothing is said of a structure that fewer than ``LEAST`` of them have. An image of which
    something is ignored says nothing.

    Args:
        cohort: Whose labeled images are read.
        labeled_cases: How many of them, as of ``Cohort.few``; ``None`` for all.
        labeled_draw: Seed of that choice.

    Raises:
        InputError: If a label cannot be read.
    """
    seen, parts, holes = Counter[int](), set[int](), set[int]()
    for number, mask in _masks(cohort, cohort.few(labeled_cases, seed=labeled_draw)):
        seen[number] += 1
        inside = mask[ndimage.find_objects(mask.astype(np.uint8))[0]]  # a hole lies inside, too
        if number not in parts and components(inside)[1] > 1:
            parts.add(number)
        if number not in holes and has_holes(inside):
            holes.add(number)
    told = [k for k in range(len(cohort.structures)) if seen[k] >= LEAST]
    return WholeStructures(
        *([cohort.structures[k] for k in told if k not in against] for against in (parts, holes))
    )


def _masks(
    cohort: Cohort, entries: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[int, np.ndarray]]:
    """The place of each structure that an image has, and its mask (*S); image by image."""
    load = LoadScand(
        "label",
        spatial_dims=cohort.spatial_dims,
        in_channels=cohort.channels,
        label_values=None if cohort.overlapping else cohort.label_values,
        ignore=cohort.ignore,
    )
    for entry in entries:
        label = load({"label": entry["label"]})["label"].numpy()
        if (label == IGNORED).any():
            continue
        for k in range(len(cohort.structures)):
            mask = label[k] > 0 if cohort.overlapping else label[0] == k + 1
            if mask.any():
                yield k, mask
