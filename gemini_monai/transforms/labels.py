"""Labels on another grid: one structure at a time, linearly, and so that thin ones live."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any

import torch
from monai.config.type_definitions import KeysCollection
from monai.data.meta_tensor import MetaTensor
from monai.transforms.inverse import InvertibleTransform
from monai.transforms.spatial.array import Resize, Spacing
from monai.transforms.transform import MapTransform
from torch import Tensor

from gemini_monai.geometry.labels import IGNORED

Resampling = Callable[[MetaTensor], MetaTensor]
HALF = 0.5
TIE = 1e-3
"""Of a share: those that differ by less are one and the same, however interpolation rounds."""


def resampled_label(
    label: MetaTensor, resample: Resampling, *, overlapping: bool = False
) -> MetaTensor:
    """A label on another grid; one that stays on its grid is unchanged.

    Each structure's zeros and ones are interpolated by themselves, which gives its share of every
    voxel. A voxel becomes what has the largest share of it; of structures that overlap, each that
    has half of it. Thin structures would lose most of their voxels by that, so a structure that
    would have fewer than its shares sum up to needs a smaller share: the one that as many voxels
    reach. At a tie the structure of fewer voxels wins, and any of them against the background.

    Args:
        label: Whole numbers (1, *S), 0 for background; or masks (K, *S) of zeros and ones. What is
            ``IGNORED`` of either is treated as one structure more.
        resample: From an image to the grid, by linear or area interpolation.
        overlapping: Labels are masks.
    """
    moved = resample(label.clone())
    if moved.shape == label.shape and torch.equal(moved.as_tensor(), label.as_tensor()):
        return moved
    values = _masks(label, resample) if overlapping else _largest(label, resample)
    return MetaTensor(values.to(torch.float32)).copy_meta_from(moved)


def _masks(label: MetaTensor, resample: Resampling) -> Tensor:
    return torch.cat([_mask(label, own[None], resample) for own in label.as_tensor()])


def _mask(label: MetaTensor, mask: Tensor, resample: Resampling) -> Tensor:
    """One structure of several that overlap; what is ignored of it is a structure beside it."""
    share = _shares(label, mask == 1, resample)
    found = (share >= _needed(share)).to(torch.float32)
    if not bool((mask == IGNORED).any()):
        return found
    hidden = _shares(label, mask == IGNORED, resample)
    is_hidden = (hidden >= _needed(hidden)) & ~((found > 0) & (share >= hidden))
    return torch.where(is_hidden, float(IGNORED), found)


def _largest(label: MetaTensor, resample: Resampling) -> Tensor:
    values = label.as_tensor()
    codes, counts = torch.unique(values, return_counts=True)
    found = best = rest = torch.tensor(0.0)
    for code in codes[counts.argsort(descending=True)]:
        if code == 0:
            continue
        share = _shares(label, values == code, resample)
        needed = _needed(share)
        score = share * (1 - needed) / needed  # of two, it wins from ``needed`` of the voxel on
        found = torch.where(score >= best, code, found)
        best, rest = torch.maximum(score, best), rest + share
    return torch.where(best >= 1 - rest, found, 0)


def _shares(label: MetaTensor, mask: Tensor, resample: Resampling) -> Tensor:
    """Of each voxel of the grid, how much of it is a structure's, (1, *S), in [0, 1]."""
    return resample(MetaTensor(mask.to(torch.float32)).copy_meta_from(label)).as_tensor()


def _needed(share: Tensor) -> float:
    """Share of a voxel that makes it the structure's: a half, or less where that is too much.

    With it the structure has as many voxels as its shares sum up to, or nearly so where many have
    one share, such as a half.
    """
    some = share[share > 2 * TIE]
    total = round(float(some.sum(dtype=torch.float64)))
    if not total or int((some >= HALF + TIE).sum()) >= total:
        return HALF
    level = min(HALF, float(some.kthvalue(max(1, len(some) - total + 1)).values))
    with_it, without = (int((some >= level + step).sum()) for step in (-TIE, TIE))
    takes_it = not without or with_it - total <= total - without
    return level - TIE if takes_it else level + TIE


class ResampleLabeld(MapTransform, InvertibleTransform):
    """``resampled_label`` to the grid of a MONAI transform; a label stays as large as its image.

    Args:
        keys: Labels, index maps or masks, on the grid of ``image`` before its own transform.
        transform: MONAI's ``Spacing`` or ``Resize``, that ``image`` has been through.
        overlapping: Labels are masks.
        allow_missing_keys: Pass over keys that an item does not have.
    """

    def __init__(
        self,
        keys: KeysCollection,
        *,
        transform: Spacing | Resize,
        overlapping: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = transform
        self.overlapping = overlapping

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with its labels on the grid."""
        item = dict(data)
        for key in self.key_iterator(item):
            resample: Resampling = self.transform
            if isinstance(self.transform, Spacing) and isinstance(item.get("image"), Tensor):
                resample = partial(self.transform, output_spatial_shape=item["image"].shape[1:])
            item[key] = resampled_label(item[key], resample, overlapping=self.overlapping)
        return item

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with its labels on the images' own grids."""
        item = dict(data)
        for key in self.key_iterator(item):
            undo = self.transform.inverse
            item[key] = resampled_label(item[key], undo, overlapping=self.overlapping)
        return item
