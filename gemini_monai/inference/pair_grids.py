"""What the network sees of two image files that are registered onto each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor

from gemini_monai.errors import InputError
from gemini_monai.transforms import InputSpec, preprocessing
from gemini_monai.world import register_affine


class Seen(NamedTuple):
    """Two images on grids of one size; the affine of each leads to its own world."""

    moving: MetaTensor
    """(C, *S)."""
    fixed: MetaTensor
    """(C, *S)."""


def pair_on_grids(
    spec: InputSpec,
    moving: str | Path,
    fixed: str | Path,
    *,
    images: tuple[MetaTensor, MetaTensor],
    affine: str | None = None,
) -> Seen:
    """Both images as in training, or the moving one where an affine puts it on the fixed one.

    Args:
        spec: Of the training.
        moving: File.
        fixed: File.
        images: Both on their own grids, for the affine.
        affine: ``"itk"`` or ``"ants"``, by which it is found; ``None`` for images as they lie.

    Raises:
        InputError: If images are not as in training, or an affine is asked for images with two axes
            or of a run whose images are registered to a reference anyway.
    """
    before = preprocessing(spec, keys=["image"], fit=True)
    if affine is None:
        return Seen(*(before({"image": str(path)})["image"] for path in (moving, fixed)))
    if spec.spatial_dims != 3:
        raise InputError("--affine is for volumes, and these images have 2 axes")
    if spec.align is not None:
        raise InputError(
            "--affine: the run's images are registered to its reference anyway, so leave it out"
        )
    target = before({"image": str(fixed)})["image"]
    found = register_affine(*images, intensity=spec.intensity, method=affine)
    grid = torch.as_tensor(found) @ target.affine
    spacing = np.linalg.norm(np.asarray(target.affine)[:3, :3], axis=0).tolist()
    size = list(target.shape[1:])
    onto = replace(spec, align=affine, spacing=spacing, spatial_size=size)
    after = preprocessing(onto, keys=["image"], fit=True)
    return Seen(after({"image": str(moving), "grid": grid.numpy()})["image"], target)
