"""Preprocessed images in pairs: where two of them meet, and the grid that the network sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from torch import Tensor

from gemini_monai.data import cached
from gemini_monai.geometry.world import FieldOfView, overlap_between
from gemini_monai.images import says_where
from gemini_monai.inference.common_grid import CommonGrid
from gemini_monai.inference.starts import Start, find_start
from gemini_monai.transforms import InputSpec, preprocessing
from gemini_monai.transforms.preprocess import FIELDS, IMAGES

MEETS = "meets"
"""Key of an item: by what it meets others. ``auto`` of ``find_start``; ``center`` where its header
does not say where it lies; ``affine`` where it was brought onto the grid of one reference."""


class Meeting(NamedTuple):
    """Where a pair of preprocessed images meets."""

    start: Start
    """In mm where both meet by ``auto``, in voxels elsewhere."""
    common: CommonGrid


def registration_items(
    data: Sequence[Mapping[str, Any]], spec: InputSpec, *, cache_dir: str | Path | None = None
) -> Sequence[Mapping[str, Any]]:
    """Labeled images, and a phantom's fields, as registration sees them; read once.

    They are not cropped to the network's size yet, which is done for each pair where it meets.

    Args:
        data: Items with files.
        spec: Size, grid and intensities.
        cache_dir: Folder that keeps them; ``None`` for memory.
    """
    transform = preprocessing(spec, keys=(*IMAGES, *FIELDS))
    items = [{**item, MEETS: _by(item, spec)} for item in data]
    return cached(items, transform, cache_dir=cache_dir)


def _by(item: Mapping[str, Any], spec: InputSpec) -> str:
    if spec.align is not None:
        return "affine"
    return "auto" if says_where(item["image"]) else "center"


def meet(moving: Mapping[str, Any], fixed: Mapping[str, Any], *, size: Sequence[int]) -> Meeting:
    """Where two items meet.

    Args:
        moving: With ``image`` (C, *S), and ``meets`` where it is not ``center``; for ``auto`` a
            MONAI tensor with its affine.
        fixed: Likewise, (C, *T).
        size: Voxels of the network's grid.
    """
    ways = {item.get(MEETS, "center") for item in (moving, fixed)}
    way = ways.pop() if len(ways) == 1 else "center"
    images = fixed["image"], moving["image"]
    if way == "auto":
        target, source = (FieldOfView.of(image) for image in images)
        start = find_start(way, target, source, overlap=overlap_between(target, source))
    else:
        still = np.eye(images[0].ndim)
        target, source = (FieldOfView(still, tuple(image.shape[1:])) for image in images)
        start = find_start(way, target, source, overlap=None, affine=lambda: still)
    return Meeting(start, CommonGrid(target, source, start.transform, size))


def plain(image: Tensor) -> Tensor:
    """An image without its metadata."""
    return image.as_tensor() if isinstance(image, MetaTensor) else torch.as_tensor(image)
