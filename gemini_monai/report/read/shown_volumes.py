"""Loads the images, labels and predictions that a run names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.images import has_voxel_size, read, read_label
from gemini_monai.report.read.planes import (
    Array,
    Masks,
    Orientation,
    as_it_lies,
    orientation_of,
)
from gemini_monai.report.read.run_contents import RunContents


@dataclass(frozen=True)
class ShownVolume:
    """An image as loaded, (C, *S), and how it lies."""

    array: Array
    orientation: Orientation


def load_volume(path: Path, *, spatial_dims: int, label: bool = False) -> ShownVolume:
    """Read an image channel first, in the file's own axis order.

    Args:
        path: An image file of any kind that the package reads.
        spatial_dims: 2 or 3.
        label: It is a label map: numbers of a color table are values, and no colors.

    Raises:
        OSError: If the file is not there, cannot be read, or has another number of axes.
    """
    try:
        image = read_label(path) if label else read(path, dtype=np.float64)
    except InputError as error:
        raise OSError(str(error)) from error
    array = np.asarray(image)
    if array.ndim == spatial_dims + 2 and len(array) == 1:  # (1, *S, C), channels last in the file
        array = np.moveaxis(array[0], -1, 0)
    if array.ndim != spatial_dims + 1:
        raise OSError(f"{path} is not {spatial_dims}-D, its shape is {array.shape[1:]}")
    if not has_voxel_size(image):
        return ShownVolume(array, as_it_lies((1.0,) * spatial_dims))
    return ShownVolume(array, orientation_of(np.asarray(image.affine), axes=spatial_dims))


def load_masks(files: Sequence[Path], *, values: Mapping[str, int], spatial_dims: int) -> Masks:
    """One binary mask (*S) per structure.

    Args:
        files: As of ``load_label``.
        values: Structures in order, with their value in an index map.
        spatial_dims: 2 or 3.

    Raises:
        OSError: If a file is not there or cannot be read.
    """
    return channel_masks(load_label(files, spatial_dims=spatial_dims), values=values)


def load_label(files: Sequence[Path], *, spatial_dims: int) -> Array:
    """Labels as ``channel_masks`` takes them, (1 or structures, *S).

    Args:
        files: One index map; or one file with a channel per structure; or one mask per structure,
            in the structures' order.
        spatial_dims: 2 or 3.

    Raises:
        OSError: If a file is not there or cannot be read.
    """
    arrays = [load_volume(path, spatial_dims=spatial_dims, label=True).array for path in files]
    if not arrays:
        raise OSError("no file is named")
    return np.concatenate(arrays)


def channel_masks(
    channels: Array, *, values: Mapping[str, int], ignore: int | None = None
) -> Masks:
    """Masks of an index map (1, *S), or of a binary channel per structure (structures, *S).

    An index map may count the structures 1, 2, ... in order instead of using their values.

    Args:
        channels: Labels as loaded.
        values: Structures in order, with their value in an index map.
        ignore: Value of voxels that do not count, which are in no mask; ``None`` for none.
    """
    if ignore is not None:
        channels = np.where(channels == ignore, 0, channels)
    if len(channels) > 1 or (len(values) == 1 and channels.max() <= 1):
        return {name: channel > 0 for name, channel in zip(values, channels, strict=False)}
    present = set(np.unique(channels).tolist()) - {0}
    if not present <= set(values.values()):
        values = {name: place for place, name in enumerate(values, 1)}
    return {name: channels[0] == value for name, value in values.items()}


def ignored_mask(channels: Array, *, ignore: int | None) -> Array | None:
    """True where a structure is not known, (*S); None where that is nowhere.

    Args:
        channels: Labels as loaded, (1 or structures, *S).
        ignore: Value of voxels that do not count; ``None`` for none.
    """
    ignored = (channels == ignore).any(axis=0) if ignore is not None else np.zeros(1, bool)
    return ignored if ignored.any() else None


def run_ignores(run: RunContents) -> int | None:
    """Value in label files of voxels that do not count, or None."""
    settings = run.details.get("settings")
    value = settings.get("ignore") if isinstance(settings, dict) else None
    return value if isinstance(value, int) else None


def structure_values(run: RunContents) -> dict[str, int]:
    """Value of each structure in an index map: the data set's own, else 1, 2, ... in order."""
    path = Path(str(run.dataset.get("path") or ""))
    path = path / "dataset.json" if path.is_dir() else path
    try:
        labels = read_json(path, dict)["labels"]
        return {name: int(labels[name]) for name in run.structures}
    except (OSError, ValueError, KeyError, TypeError):  # moved away since: the run still reports
        return {name: place for place, name in enumerate(run.structures, 1)}


def spatial_dims(run: RunContents) -> int:
    """2 or 3; 2 when the run does not say."""
    return 3 if run.dataset.get("spatial_dims") == 3 else 2
