"""The arrays that a run kept: registered pairs, where each voxel comes from, restored images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from gemini_monai.geometry.labels import IGNORED
from gemini_monai.geometry.warp import inbounds_mask, jacobian_determinant, sampling_positions
from gemini_monai.report.read.planes import (
    Array,
    Masks,
    Orientation,
    View,
    as_it_lies,
    choose_view,
)
from gemini_monai.report.read.run_contents import RunContents
from gemini_monai.report.read.shown_volumes import (
    channel_masks,
    ignored_mask,
    load_volume,
    spatial_dims,
)

REGISTERED = ("moving", "fixed", "warped")
REQUIRED = (*REGISTERED, "ddf")
RESTORED = ("corrupted", "restored", "clean")


@dataclass(frozen=True)
class KeptPair:
    """A registered pair and the plane through it.

    Attributes:
        images: ``moving``, ``fixed`` and ``warped``, (*S) each.
        masks: Binary masks (*S) per structure of the same three; empty where no label was kept.
        ignored: True where the label of one of the three says nothing, (*S), by its name; left out
            where that is nowhere.
        ddf: Displacement (N, *S) in voxels.
        positions: Where each voxel of the fixed grid is sampled, (N, *S), in voxels.
        determinant: Jacobian determinant of the map, (*S); 0 or below where it folds.
        inbounds: True where the moving image was sampled inside, (*S).
        view: The plane that is shown.
    """

    images: dict[str, Array]
    masks: dict[str, Masks]
    ignored: dict[str, Array]
    ddf: Array
    positions: Array
    determinant: Array
    inbounds: Array
    view: View


def open_pair(run: RunContents, path: Path) -> KeptPair:
    """Load a pair that the registration of a run kept.

    Args:
        run: The run, which knows the structures and how the network saw images.
        path: Arrays ``moving``, ``fixed``, ``warped`` (C, *S), of which the first channel is shown,
            ``ddf`` (N, *S) in voxels and, where they were kept, the three ``..._label`` (1, *S), or
            with a channel per structure.

    Raises:
        OSError: If the file cannot be read or lacks an array.
    """
    arrays = _arrays(path)
    images = {name: arrays[name][0] for name in REGISTERED}
    masks = {name: _masks(run, arrays, f"{name}_label") for name in REGISTERED}
    shape = images["fixed"].shape
    orientation = network_orientation(run, axes=len(shape))
    ddf = torch.as_tensor(np.asarray(arrays["ddf"], dtype=np.float32))[None]
    return KeptPair(
        images=images,
        masks=masks,
        ignored={name: mask for name in REGISTERED if (mask := _ignored(arrays, name)) is not None},
        ddf=arrays["ddf"],
        positions=sampling_positions(ddf)[0].numpy(),
        determinant=jacobian_determinant(ddf)[0, 0].numpy(),
        inbounds=inbounds_mask(ddf)[0, 0].numpy() > 0,
        view=choose_view(shape, masks["fixed"], orientation=orientation),
    )


def _arrays(path: Path) -> dict[str, Array]:
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception as error:  # a cut file raises one of several kinds
        raise OSError(f"{path} cannot be read") from error
    for name in REQUIRED:
        if name not in arrays:
            raise OSError(f"{path} has no array '{name}'")
    return arrays


def _masks(run: RunContents, arrays: Mapping[str, Array], name: str) -> Masks:
    """Of what the network sees, which counts structures 1, 2, ... whatever their files say."""
    label = arrays.get(name)
    if label is None:
        return {}
    places = {name: place for place, name in enumerate(run.structures, 1)}
    return channel_masks(label, values=places, ignore=IGNORED)


def _ignored(arrays: Mapping[str, Array], name: str) -> Array | None:
    label = arrays.get(f"{name}_label")
    return None if label is None else ignored_mask(label, ignore=IGNORED)


def network_orientation(run: RunContents, *, axes: int) -> Orientation:
    """How an image lies that a network sees: volumes turned to RAS, planes as their files.

    Args:
        run: The run, whose settings name the spacing in mm.
        axes: How many spatial axes the image has; a spacing of another number is not used.
    """
    spacing = (run.details.get("settings") or {}).get("spacing")
    if spacing and len(spacing) == axes == 3:
        return Orientation(tuple(spacing), world=(0, 1, 2), reverse=(True, True, True))
    spacing = spacing or (1.0,) * axes
    files = [score.image[0] for score in run.scores if score.image]
    try:
        lies = load_volume(files[0], spatial_dims=spatial_dims(run)).orientation
    except (IndexError, OSError):
        lies = as_it_lies(spacing)
    fits = len(lies.spacing) == len(spacing) == axes
    return replace(lies, spacing=tuple(spacing)) if fits else as_it_lies((1.0,) * axes)


def overlap(pair: KeptPair, name: str) -> float:
    """Mean Dice, 0 to 1, with the fixed label, over the structures in either; NaN without labels.

    Args:
        pair: The pair.
        name: ``"moving"`` for the overlap before, ``"warped"`` for that after.
    """
    fixed, other = (_counted(pair, which, other=name) for which in ("fixed", name))
    values = [
        2 * (mask & other[key]).sum() / (mask.sum() + other[key].sum())
        for key, mask in fixed.items()
        if key in other and mask.any() | other[key].any()
    ]
    return float(np.mean(values)) if values else float("nan")


def _counted(pair: KeptPair, name: str, *, other: str) -> Masks:
    """Masks without what the fixed or the other label ignores."""
    hidden = [pair.ignored[which] for which in ("fixed", other) if which in pair.ignored]
    masks = pair.masks[name]
    if not hidden:
        return masks
    return {key: mask & ~np.logical_or.reduce(hidden) for key, mask in masks.items()}


def read_restored(path: Path) -> dict[str, Array]:
    """Arrays ``corrupted``, ``restored`` and ``clean``, (B, C, *S) each.

    Raises:
        OSError: If the file cannot be read or lacks one of them.
    """
    try:
        with np.load(path) as file:
            return {name: file[name] for name in RESTORED}
    except Exception as error:  # a cut file raises one of several kinds
        raise OSError(f"{path} cannot be read") from error
