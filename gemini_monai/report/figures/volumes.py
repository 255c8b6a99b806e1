"""Volumes to scroll through: whole images and labels, each in one piece of text."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import nibabel
import numpy as np

from gemini_monai.report.figures.colors import (
    IGNORED_COLOR,
    IGNORED_NAME,
    gray_levels,
    structure_color,
    window,
)
from gemini_monai.report.read.kept_arrays import KeptPair
from gemini_monai.report.read.planes import Array, Masks, View
from gemini_monai.report.read.volume_grids import (
    SliceCount,
    Slices,
    affine_of_part,
    count_slices,
    kept_slices,
)


@dataclass(frozen=True)
class Layer:
    """One volume as gzipped NIfTI in base64; ``kind`` is ``"gray"`` or ``"labels"``.

    ``shown`` is how it is shown at first, one of its ``ways`` over the first layer.
    """

    name: str
    kind: str
    data: str
    shown: str = ""

    @property
    def ways(self) -> tuple[tuple[str, str], ...]:
        """In which it can be shown, each with its name."""
        if self.kind == "gray":
            return ("", "off"), ("filled", "on")
        return ("", "off"), ("filled", "filled"), ("outline", "outline")


@dataclass(frozen=True)
class Volumes:
    """Layers on one grid: the first lies below, any of the others over it.

    ``structures`` are the names and CSS colors of the labels 1, 2, ...
    """

    layers: tuple[Layer, ...]
    planes: tuple[SliceCount, ...]
    structures: tuple[tuple[str, str], ...]

    @property
    def megabytes(self) -> float:
        """Size on the page."""
        return sum(len(layer.data) for layer in self.layers) / 1e6

    @property
    def left_out(self) -> str:
        """Which slices are not on the page, in words; empty where all are."""
        thinned = [f"{p.name} slice of {p.step}" for p in self.planes if p.step > 1]
        return f"one {' and one '.join(thinned)} is here" if thinned else ""


def volumes_of(
    images: Mapping[str, Array], labels: Mapping[str, Masks], *, view: View
) -> Volumes | None:
    """Images and labels as the layers of one viewer; None for what is not 3-D.

    Images share one window of intensities. All are cut to where any is neither black nor labeled.

    Args:
        images: Arrays (*S) by name; the first lies below all others.
        labels: Binary masks (*S) per structure, always in one order, by the layer's name.
        view: The slice that the still picture shows, and how the arrays lie.
    """
    if view.axis is None:
        return None
    limits = window(*(image[::2, ::2, ::2] for image in images.values()))
    masks = [mask for group in labels.values() for mask in group.values()]
    seen = np.logical_or.reduce([*(image > limits[0] for image in images.values()), *masks])
    slices = kept_slices(seen, spacing=view.orientation.spacing)
    affine = affine_of_part(view.orientation.affine, slices)
    grays = {name: gray_levels(image[slices], limits=limits) for name, image in images.items()}
    maps = {name: index_map(group, slices) for name, group in labels.items() if group}
    named = max(labels.values(), key=len, default={})
    shown = _shown_first(list(grays), list(maps))
    return Volumes(
        layers=tuple(
            Layer(name, kind, embedded(array, affine=affine), shown.get(name, ""))
            for kind, group in (("gray", grays), ("labels", maps))
            for name, array in group.items()
        ),
        planes=count_slices(
            slices,
            shape=seen.shape,
            orientation=view.orientation,
            center=_center(np.logical_or.reduce(masks) if masks else seen, view),
        ),
        structures=tuple(
            (name, IGNORED_COLOR if name == IGNORED_NAME else structure_color(place))
            for place, name in enumerate(named)
        ),
    )


def _shown_first(grays: Sequence[str], labels: Sequence[str]) -> dict[str, str]:
    """The second image; else the first label, as an outline over the second where there is one."""
    if len(grays) > 1:
        return {grays[1]: "filled"}
    ways = ("outline", "filled") if len(labels) > 1 else ("filled",)
    return dict(zip(labels, ways, strict=False))


def with_ignored(masks: Masks, ignored: Array | None) -> Masks:
    """Masks of a label, and last what it says nothing of where it says nothing else.

    Args:
        masks: Binary masks (*S) per structure.
        ignored: True where it says nothing of some structure, (*S); None for nowhere.
    """
    if ignored is None or not masks:
        return masks
    return masks | {IGNORED_NAME: ignored & ~np.logical_or.reduce(list(masks.values()))}


def pair_volumes(pair: KeptPair) -> Volumes | None:
    """The fixed image under the moving and the warped one, and the labels of all three.

    Args:
        pair: The pair.
    """
    names = ("fixed", "warped", "moving")
    return volumes_of(
        {name: pair.images[name] for name in names},
        {f"labels of {n}": with_ignored(pair.masks[n], pair.ignored.get(n)) for n in names},
        view=pair.view,
    )


def index_map(masks: Masks, slices: Slices) -> Array:
    """Masks as 8-bit labels 1, 2, ... in their order; where two overlap the later is kept.

    Args:
        masks: At least one, (*S) each.
        slices: The part of them that is returned.
    """
    label = np.zeros_like(next(iter(masks.values()))[slices], np.uint8)
    for value, mask in enumerate(masks.values(), 1):
        label[mask[slices]] = value
    return label


def embedded(array: Array, *, affine: Array) -> str:
    """A volume as gzipped NIfTI-1 in base64.

    Args:
        array: 8-bit, (*S).
        affine: (4, 4), from voxels to mm in RAS.
    """
    image = nibabel.Nifti1Image(array, affine)
    return base64.b64encode(gzip.compress(image.to_bytes(), mtime=0)).decode()


def _center(seen: Array, view: View) -> list[int]:
    """The middle of what is set in the slice of the still picture, as an index (N,)."""
    places = np.argwhere(seen.take(view.index, axis=view.axis))
    shape = [size for axis, size in enumerate(seen.shape) if axis != view.axis]
    center = [int(v) for v in places.mean(axis=0)] if len(places) else [n // 2 for n in shape]
    center.insert(view.axis or 0, view.index)
    return center
