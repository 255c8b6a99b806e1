"""The one chain from files to what a network sees."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from monai.transforms.compose import Compose
from monai.transforms.croppad.dictionary import CropForegroundd, ResizeWithPadOrCropd, SpatialPadd
from monai.transforms.io.dictionary import LoadImaged
from monai.transforms.spatial.array import Resize, Spacing
from monai.transforms.spatial.dictionary import Orientationd
from monai.transforms.utility.dictionary import CopyItemsd, EnsureChannelFirstd

from gemini_monai.base.memory import refuse_too_large
from gemini_monai.transforms.alignment import ResampleToGridd
from gemini_monai.transforms.input import InputSpec
from gemini_monai.transforms.labels import ResampleLabeld
from gemini_monai.transforms.load import LoadScand
from gemini_monai.transforms.resize import ResizeByAread
from gemini_monai.transforms.room import RoomForGridd
from gemini_monai.transforms.scale import FiniteImaged, ScaleChannelsd
from gemini_monai.transforms.spacing import SpacingAloned

IMAGES = ("image", "label")
FIELDS = ("field", "inverse_field")
NATIVE_LABEL = "native_label"
"""Key of a label on its image's own grid."""
Transforms = list[Callable[..., Any]]


def preprocessing(
    spec: InputSpec,
    *,
    keys: Sequence[str] = IMAGES,
    fit: bool = False,
    cut: bool = True,
    native_label: bool = False,
) -> Compose:
    """Load, bring to the grid, scale intensities: all deterministic, and invertible by MONAI.

    Args:
        spec: Size, grid, intensities, and transforms of one's own.
        keys: Keys whose values are files: ``image``, ``label``, and of a phantom ``field`` and
            ``inverse_field``; keys that an item does not have are passed over.
        fit: Pad and crop to the network's size, as training and registration do; a sliding window
            needs no such thing.
        cut: With ``fit``, crop as well as pad; else random crops follow.
        native_label: Keep the label on its image's own grid as ``native_label``.

    Raises:
        InputError: If the network's size is more than memory holds.
    """
    images = [key for key in keys if key in IMAGES]
    made: dict[str, Transforms] = {
        "load": [_loaded(spec, images), *_fields([key for key in keys if key in FIELDS])],
        "before": [*spec.before],
        **_on_the_grid(spec, images),
        "intensity": [ScaleChannelsd("image", intensity=spec.intensity, color=spec.color)],
        "after": [*spec.after, FiniteImaged("image")] if spec.after else [],
        "fit": _fitted(spec, images, cut=cut) if fit else [],
    }
    if native_label:
        made["load"].append(CopyItemsd("label", names=NATIVE_LABEL))
    return Compose([each for step in spec.preprocessing_steps for each in made[step]])


def labels_on_the_grid(spec: InputSpec, *, fit: bool = False) -> Compose:
    """What ``preprocessing`` does with a ``label`` that is loaded, without its image.

    Args:
        spec: Size and grid; not cropped to what is above zero in an image.
        fit: Pad and crop to the network's size.
    """
    made = _on_the_grid(spec, ["label"]) | {"fit": _fitted(spec, ["label"]) if fit else []}
    return Compose([each for step in spec.preprocessing_steps for each in made.get(step, [])])


def _loaded(spec: InputSpec, images: Sequence[str]) -> LoadScand:
    return LoadScand(
        images,
        spatial_dims=spec.spatial_dims,
        in_channels=spec.in_channels,
        in_millimeters=spec.spacing is not None,
        label_values=spec.values,
        ignore=spec.ignore,
        allow_missing_keys=True,
    )


def _fields(fields: Sequence[str]) -> Transforms:
    if not fields:
        return []
    with _quiet_readers():
        loaded = LoadImaged(fields, allow_missing_keys=True)
    return [
        loaded,
        EnsureChannelFirstd(fields, channel_dim=-1, allow_missing_keys=True),
    ]


def _on_the_grid(spec: InputSpec, images: Sequence[str]) -> dict[str, Transforms]:
    """Registration to a reference, or orientation and voxel size, or a size alone; by step."""
    options: dict[str, Any] = {"allow_missing_keys": True}
    made: dict[str, Transforms] = {"orientation": [], "foreground": [], "grid": []}
    if spec.align is not None:
        names = ("spatial_size", "spacing", "reference", "intensity", "overlapping")
        options |= {name: getattr(spec, name) for name in names}
        return made | {"grid": [ResampleToGridd(images, method=spec.align, **options)]}
    if spec.orientation is not None:
        axes = {"axcodes": spec.orientation, "labels": None}  # MONAI warns where none are named
        made["orientation"] = [Orientationd(images, **axes, **options)]
    if spec.foreground:
        cropped = CropForegroundd(images, source_key="image", allow_smaller=True, **options)
        made["foreground"] = [cropped]
    return made | {"grid": _sampled(spec, images, options)}


def _sampled(spec: InputSpec, images: Sequence[str], options: dict[str, Any]) -> Transforms:
    """To a voxel size, or to a size alone."""
    size, labels = list(spec.spatial_size), [key for key in images if key != "image"]
    chain: Transforms = [RoomForGridd(images, spacing=spec.spacing, spatial_size=size, **options)]
    if spec.spacing is not None:
        pixdim = list(spec.spacing)
        chain.append(SpacingAloned("image", pixdim=pixdim, mode="bilinear", **options))
        of_masks: Spacing | Resize = Spacing(pixdim, mode="bilinear", dtype=np.float32)
    else:
        chain.append(ResizeByAread("image", spatial_size=size, **options))
        of_masks = Resize(size, mode="area")
    if labels:
        known = {"transform": of_masks, "overlapping": spec.overlapping}
        chain.append(ResampleLabeld(labels, **known, **options))
    return chain


def _fitted(spec: InputSpec, images: Sequence[str], *, cut: bool = True) -> Transforms:
    refuse_too_large(
        spec.spatial_size,
        voxel_bytes=4 * spec.in_channels,
        what="key 'spatial_size'",
        change="give a smaller one",
    )
    fitted = ResizeWithPadOrCropd if cut else SpatialPadd
    return [fitted(images, list(spec.spatial_size), allow_missing_keys=True)]


DECODER = logging.getLogger("monai.data.nvimgcodec_pydicom_plugin")


@contextmanager
def _quiet_readers() -> Iterator[None]:
    """While MONAI registers its readers: nothing on the missing decoder of DICOM for GPUs.

    MONAI 1.6 says it twice for every ``LoadImage``, of whatever format its files are.
    """
    level = DECODER.level
    DECODER.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "NvImgCodecPydicomReader")
            yield
    finally:
        DECODER.setLevel(level)
