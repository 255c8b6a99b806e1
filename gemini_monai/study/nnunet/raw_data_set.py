"""Labeled cases as a raw data set of nnU-Net, and images as its reader would give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.data.utils import affine_to_spacing
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import write_json
from gemini_monai.transforms import InputSpec, preprocessing

NAME = "Dataset001_Labeled"
ENDING = ".nii.gz"
BETWEEN = 999.0
"""Distance of slices in mm that nnU-Net's reader of pictures says, so that it plans in 2-D."""
MOST = 8
"""Structures that may overlap: each combination of them is a value for nnU-Net."""


def as_loaded(spec: InputSpec) -> InputSpec:
    """A view in which images stay as their files have them: what is done with them is nnU-Net's."""
    return replace(spec, preprocessing_steps=("load",), before=(), after=())


def write_raw(
    labeled: Sequence[Mapping[str, Any]], folder: Path, *, spec: InputSpec, modality: str
) -> Path:
    """Write ``imagesTr``, ``labelsTr`` and ``dataset.json``; no other image, and no other label.

    A file a channel, on the image's own grid. Structures that overlap become nnU-Net's regions: the
    value of a voxel has a bit for each, and it is ignored if any of them is.

    Args:
        labeled: Entries of a cohort with labels, each a case of nnU-Net by its own name.
        folder: Of all raw data sets.
        spec: What the numbers of the labels mean.
        modality: Name of the channels; ``CT`` lets nnU-Net scale by intensities of all images,
            anything else each image by itself.

    Returns:
        Folder of the data set.

    Raises:
        InputError: If a file cannot be read, or more than ``MOST`` structures overlap.
    """
    target = folder / NAME
    for name in ("imagesTr", "labelsTr"):
        (target / name).mkdir(parents=True)
    meanings = label_meanings(spec)
    load = preprocessing(as_loaded(spec))
    for entry in labeled:
        item = load(dict(entry))
        label = label_values(item["label"], spec)
        _save(target / "labelsTr" / f"{entry['case']}{ENDING}", label, like=item["image"])
        for channel, values in enumerate(item["image"].numpy()):
            path = target / "imagesTr" / f"{entry['case']}_{channel:04d}{ENDING}"
            _save(path, values.astype(np.float32), like=item["image"])
    channels = {str(channel): modality for channel in range(spec.in_channels)}
    description = {"channel_names": channels, "numTraining": len(labeled), "file_ending": ENDING}
    reader = {"overwrite_image_reader_writer": "NibabelIO"}
    write_json(target / "dataset.json", description | meanings | reader)
    return target


def label_meanings(spec: InputSpec) -> dict[str, Any]:
    """``labels`` of nnU-Net's ``dataset.json``, and the order of its regions where there are any.

    Raises:
        InputError: If more than ``MOST`` structures overlap.
    """
    count = len(spec.structures)
    values: dict[str, Any] = {name: k for k, name in enumerate(spec.structures, 1)}
    last, more = count, {}
    if has_regions(spec):
        if count > MOST:
            raise InputError(
                f"{count} structures may overlap; for nnU-Net, which needs a value for each "
                f"combination of them, at most {MOST}"
            )
        last = 2**count - 1
        for k, name in enumerate(spec.structures):
            values[name] = [value for value in range(1, last + 1) if value >> k & 1]
        more = {"regions_class_order": list(range(1, count + 1))}
    ignore = {} if spec.ignore is None else {"ignore": last + 1}
    return {"labels": {"background": 0, **values, **ignore}} | more


def has_regions(spec: InputSpec) -> bool:
    """Whether structures are nnU-Net's regions, with a sigmoid each; one alone is a class to it."""
    return spec.overlapping and len(spec.structures) > 1


def label_values(label: Tensor, spec: InputSpec) -> np.ndarray:
    """What nnU-Net's label files say, (*S).

    Args:
        label: As it was loaded: class indices (1, *S), or zeros and ones (K, *S); ignored below 0.
        spec: What they mean.
    """
    channels = label.as_subclass(torch.Tensor).long()
    bits = 2 ** torch.arange(len(channels)).view(-1, *[1] * (channels.ndim - 1))
    values = (channels * bits).sum(0)
    last = 2 ** len(channels) - 1 if spec.overlapping else len(spec.structures)
    ignored = (channels < 0).any(0)
    return torch.where(ignored, last + 1, values).numpy().astype(np.int16)


def for_nnunet(image: MetaTensor) -> tuple[np.ndarray, list[float]]:
    """An image (C, *S) as nnU-Net's reader gives what ``write_raw`` wrote of it.

    Returns:
        Values (C, Z, Y, X), of one slice where the image is a picture; and the voxel size in mm in
        the order of these axes.
    """
    values = _volume(image.numpy()).astype(np.float32)
    zooms = nibabel.affines.voxel_sizes(_affine(image)).astype(np.float32)
    return values.transpose(0, 3, 2, 1), [float(size) for size in zooms[::-1]]


def from_nnunet(values: np.ndarray, *, spatial_dims: int) -> Tensor:
    """Values (K, Z, Y, X) of nnU-Net on the axes of an image, (K, *S)."""
    volume = torch.from_numpy(np.ascontiguousarray(values.transpose(0, 3, 2, 1)))
    return volume[..., 0] if spatial_dims == 2 else volume


def _save(path: Path, values: np.ndarray, *, like: MetaTensor) -> None:
    """An array (*S) on the grid of an image."""
    nibabel.save(nibabel.Nifti1Image(_volume(values[None])[0], _affine(like)), path)


def _volume(values: np.ndarray) -> np.ndarray:
    """(C, X, Y) with a third axis."""
    return values[..., None] if values.ndim == 3 else values


def _affine(image: MetaTensor) -> np.ndarray:
    affine = image.affine.numpy().astype(np.float64)
    if image.ndim == 4:
        return affine
    across = affine_to_spacing(torch.as_tensor(affine), r=2)
    return np.diag([*(float(size) for size in across), BETWEEN, 1.0])
