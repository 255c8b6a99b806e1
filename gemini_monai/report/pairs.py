"""The pairs that registration kept: their arrays, where each voxel comes from, where it folds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from gemini_monai.report.arms import Arm
from gemini_monai.report.views import (
    Array,
    Masks,
    Orientation,
    View,
    as_it_lies,
    choose_view,
)
from gemini_monai.report.volumes import channel_masks, load_volume, spatial_dims, structure_values
from gemini_monai.warp import inbounds_mask, jacobian_determinant, sampling_positions

REQUIRED = ("moving", "fixed", "warped", "ddf")


@dataclass(frozen=True)
class Example:
    """A registered pair and the plane through it.

    Attributes:
        arrays: ``moving``, ``fixed``, ``warped`` (C, *S), ``ddf`` (N, *S) in voxels and, where
            they were kept, the three ``..._label`` (1, *S).
        positions: Where each voxel of the fixed grid is sampled, (N, *S), in voxels.
        determinant: Of the Jacobian of the map, (*S); 0 or below where it folds.
        inbounds: True where the moving image was sampled inside, (*S).
        view: The plane that is shown.
    """

    arrays: dict[str, Array]
    positions: Array
    determinant: Array
    inbounds: Array
    view: View


def open_example(arm: Arm, path: Path) -> Example:
    """Load a pair that the registration kept.

    Raises:
        OSError: If the file cannot be read or lacks an array.
    """
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception as error:  # a cut file raises one of several kinds
        raise OSError(f"{path} cannot be read") from error
    for name in REQUIRED:
        if name not in arrays:
            raise OSError(f"{path} has no array '{name}'")
    ddf = torch.as_tensor(np.asarray(arrays["ddf"], dtype=np.float32))[None]
    return Example(
        arrays=arrays,
        positions=sampling_positions(ddf)[0].numpy(),
        determinant=jacobian_determinant(ddf)[0, 0].numpy(),
        inbounds=inbounds_mask(ddf)[0, 0].numpy() > 0,
        view=_view(arm, arrays),
    )


def _view(arm: Arm, arrays: dict[str, Array]) -> View:
    shape = arrays["fixed"].shape[1:]
    masks = structure_masks(arm, arrays, "fixed_label")
    return choose_view(shape, masks, orientation=network_orientation(arm, axes=len(shape)))


def network_orientation(arm: Arm, *, axes: int) -> Orientation:
    """How an image lies that a network sees: volumes turned to RAS, planes as their files."""
    spacing = (arm.run.details.get("settings") or {}).get("spacing")
    if spacing and len(spacing) == axes == 3:
        return Orientation(tuple(spacing), world=(0, 1, 2), reverse=(True, True, True))
    spacing = spacing or (1.0,) * axes
    files = [score.image[0] for score in arm.run.scores if score.image]
    try:
        lies = load_volume(files[0], spatial_dims=spatial_dims(arm.run)).orientation
    except (IndexError, OSError):
        lies = as_it_lies(spacing)
    fits = len(lies.spacing) == len(spacing) == axes
    return replace(lies, spacing=tuple(spacing)) if fits else as_it_lies((1.0,) * axes)


def structure_masks(arm: Arm, arrays: dict[str, Array], name: str) -> Masks:
    """Binary masks (*S) of a pair's label, empty when none was kept."""
    label = arrays.get(name)
    return {} if label is None else channel_masks(label, values=structure_values(arm.run))


def overlap(arm: Arm, example: Example, name: str) -> float:
    """Mean Dice of a label of the pair with the fixed one, over the structures in either."""
    fixed = structure_masks(arm, example.arrays, "fixed_label")
    other = structure_masks(arm, example.arrays, name)
    values = [
        2 * (mask & other[key]).sum() / (mask.sum() + other[key].sum())
        for key, mask in fixed.items()
        if key in other and mask.any() | other[key].any()
    ]
    return float(np.mean(values)) if values else float("nan")
