"""Labeled images as the analyses look at them; test images are not among them."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.data import Cohort, read_cohort
from gemini_monai.geometry.labels import IGNORED
from gemini_monai.geometry.types import Image
from gemini_monai.networks import Gemini, reinitialized
from gemini_monai.transforms import InputSpec, preprocessing


class SampledImage(NamedTuple):
    """An image that is looked at, and where."""

    image: Image
    """(1, C, *S)."""
    label: Tensor
    """Structure of each voxel, or set of structures that overlap there; 0 for none, ``IGNORED``
    where that is not known; (*S)."""
    places: Tensor
    """Numbers of some foreground voxels."""


def seen_items(data: str | Path, *, least: int) -> tuple[Cohort, list[Mapping[str, Any]]]:
    """A data set, and its labeled and validation images, the first of each patient.

    Args:
        data: Folder of a prepared data set.
        least: Patients that are needed.

    Raises:
        InputError: If there are fewer.
    """
    cohort = read_cohort(Path(data) / "dataset.json")
    items: dict[str, Mapping[str, Any]] = {}
    for item in (*cohort.labeled, *cohort.validation):
        items.setdefault(str(item.get("patient", item["case"])), item)
    if len(items) < least:
        raise InputError(
            f"{data}: images with labels of {len(items)} patient(s) to look at, expected {least} "
            "or more"
        )
    return cohort, list(items.values())


def scan_of(item: Mapping[str, Any], spec: InputSpec, points: int) -> SampledImage:
    """An image as the network sees it; of volumes that are seen slice by slice, the fullest slice.

    Args:
        item: Files of an image and its label.
        spec: How they are brought to the network.
        points: At most so many foreground voxels, drawn by PyTorch's generator.
    """
    seen = preprocessing(spec, fit=True)(dict(item))
    image, label = (torch.as_tensor(np.asarray(seen[key])) for key in ("image", "label"))
    if spec.overlapping:
        powers = 2 ** torch.arange(len(label)).reshape(-1, *[1] * (label.ndim - 1))
        counts = (label >= 0).all(dim=0, keepdim=True)
        label = ((label > 0) * powers).sum(dim=0, keepdim=True).masked_fill(~counts, IGNORED)
    label = label[0].long()
    if spec.slices:
        z = int((label > 0).flatten(0, -2).sum(dim=0).argmax())
        image, label = image[..., z], label[..., z]
    inside = (label.flatten() > 0).nonzero()[:, 0]
    return SampledImage(image[None].float(), label, inside[torch.randperm(len(inside))[:points]])


def as_initialized(network: Gemini) -> Gemini:
    """A copy with random weights."""
    copy = deepcopy(network)
    reinitialized(copy)
    return copy.eval()
