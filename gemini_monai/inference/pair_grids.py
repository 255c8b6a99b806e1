"""What the network sees of two image files that are registered onto each other."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from monai.data.meta_tensor import MetaTensor
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.world import FieldOfView, Overlap, register_affine
from gemini_monai.inference.common_grid import CommonGrid
from gemini_monai.inference.file_pairs import (
    FileImages,
    overlap_of,
    refuse_edge_on,
    refuse_other_axes,
    shown,
)
from gemini_monai.inference.starts import Start, center_of_mass, find_start, refuse_apart
from gemini_monai.transforms import InputSpec, preprocessing

ADVICE = "expected images of one body part; try --start world, center or mass"
"""Where an affine of a pair fails."""


class PairOnGrid(NamedTuple):
    """Two images on one grid of the size that the network was trained on."""

    moving: Tensor
    """(C, *S), where the start puts it."""
    fixed: Tensor
    """(C, *S)."""
    grid: np.ndarray
    """Voxel of both to the fixed image's world, (N+1, N+1)."""
    start: Start

    @property
    def affines(self) -> dict[str, np.ndarray]:
        """Voxel to the world of either image, by the arguments of ``world_displacement``."""
        return {"fixed_network": self.grid, "moving_network": self.start.transform @ self.grid}


def pair_on_grids(
    spec: InputSpec, pair: FileImages, *, start: str = "auto", affine: str | None = None
) -> PairOnGrid:
    """Both images as in training, the moving one where the start puts it on the fixed one's grid.

    A run whose images were registered to a reference goes by that reference for ``auto`` and
    ``affine``.

    Args:
        spec: Of the training.
        pair: The images.
        start: One of ``STARTS``.
        affine: ``"itk"`` or ``"ants"``, by which an affine is found; it makes ``auto`` ``affine``.

    Raises:
        InputError: If images are not as in training; if an affine is asked for beside another
            start, for images with two axes, or by a method where the run has a reference; if no
            affine is found; if the world is to be the start and there is nothing in common.
    """
    kind = _kind(spec, start, affine)
    refuse_edge_on(pair)
    before = preprocessing(spec, keys=["image"])
    target = before({"image": str(pair.files[1])})["image"]
    if spec.align is None:
        source = before({"image": str(pair.files[0])})["image"]
        begin = _start(spec, pair, kind, method=affine)
        if spec.spacing is None:
            source = _as_fine(spec, source, target, pair, begin)
    elif kind == "affine":
        source = before({"image": str(pair.files[0])})["image"]
        begin = _start(spec, pair, kind, given=_between(source, target))
    else:
        begin = _start(spec, pair, kind)
        grid = begin.transform @ FieldOfView.of(target).affine
        source = before({"image": str(pair.files[0]), "grid": grid})["image"]
    views = FieldOfView.of(target), FieldOfView.of(source)
    common = CommonGrid(*views, begin.transform, spec.spatial_size)
    moving, fixed = common.moving(source.as_tensor()), common.fixed(target.as_tensor())
    return PairOnGrid(moving, fixed, common.grid, begin)


def _kind(spec: InputSpec, start: str, affine: str | None) -> str:
    """The start that is meant."""
    if affine is not None:
        if start not in ("auto", "affine"):
            raise InputError(
                f"--affine {affine} and --start {start}: an affine is a start; give one"
            )
        if spec.align is not None:
            raise InputError(
                "--affine: the run's images are registered to its reference anyway, so leave it out"
            )
        start = "affine"
    if start == "affine" and spec.spatial_dims != 3:
        raise InputError("--affine is for volumes, and these images have 2 axes")
    return "affine" if start == "auto" and spec.align is not None else start


def _start(
    spec: InputSpec,
    pair: FileImages,
    kind: str,
    *,
    method: str | None = None,
    given: np.ndarray | None = None,
) -> Start:
    """Where the pair meets; ``given`` is the affine where it is known already."""
    refuse_other_axes(pair, spec)
    images = pair.fixed, pair.moving
    both = overlap_of(pair)
    if kind == "world":
        refuse_apart(both, moving=pair.files[0], fixed=pair.files[1])
    return find_start(
        kind,
        *(shown(image, spec) for image in images),
        overlap=both,
        masses=lambda: (center_of_mass(images[0]), center_of_mass(images[1])),
        affine=lambda: _affine(spec, pair, both, method=method) if given is None else given,
        stretched=both is None and spec.spacing is None and spec.align is None,
    )


def _between(source: MetaTensor, target: MetaTensor) -> np.ndarray:
    """From the fixed image's world to the moving one's, by the voxels of one reference."""
    return FieldOfView.of(source).affine @ np.linalg.inv(FieldOfView.of(target).affine)


def _affine(
    spec: InputSpec, pair: FileImages, both: Overlap | None, *, method: str | None
) -> np.ndarray:
    """From centers of mass, or from the world where that is more alike."""
    return register_affine(
        pair.moving,
        pair.fixed,
        intensity=spec.intensity,
        method=method or "itk",
        world=both is not None and not both.is_none,
        advice=ADVICE,
        option="--affine",
    )


def _as_fine(
    spec: InputSpec, source: MetaTensor, target: MetaTensor, pair: FileImages, start: Start
) -> MetaTensor:
    """The moving image resized to voxels like those that the fixed one has on the network's grid.

    Not finer than it is on file, unless training made it so.
    """
    view = FieldOfView.of(source)
    sides = view.affine[:-1, :-1] * np.asarray(view.shape)  # of its box, in mm
    grids = start.transform @ FieldOfView.of(target).affine, FieldOfView.of(pair.moving).affine
    wanted, stored = (
        np.linalg.norm(np.linalg.inv(grid[:-1, :-1]) @ sides, axis=0) for grid in grids
    )
    counts = np.minimum(wanted, np.maximum(stored, view.shape))
    size = [max(2, round(float(count))) for count in counts]
    if size == list(spec.spatial_size):
        return source
    again = preprocessing(replace(spec, spatial_size=size), keys=["image"])
    found: MetaTensor = again({"image": str(pair.files[0])})["image"]
    return found
