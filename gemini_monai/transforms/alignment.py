"""Sampling of images on one grid that an affine has placed in each of them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from monai.config.type_definitions import KeysCollection
from monai.data.meta_tensor import MetaTensor
from monai.transforms.inverse import InvertibleTransform
from monai.transforms.spatial.array import SpatialResample
from monai.transforms.transform import MapTransform
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.base.intensity import Intensity
from gemini_monai.base.memory import refuse_too_large
from gemini_monai.geometry.world import output_grid, register_affine
from gemini_monai.images import read, source_of
from gemini_monai.transforms.labels import Resampling, resampled_label
from gemini_monai.transforms.room import resampling_bytes


class ResampleToGridd(MapTransform, InvertibleTransform):
    """MONAI's ``SpatialResample`` to the ``grid`` of an item, which ``prepare --align`` wrote.

    ``grid`` is the affine (4, 4) of the voxels of the output in the image's own world; the output
    carries it as its affine, so ``Invertd`` brings predictions back and positions stay right. An
    item without a grid, such as a new image, is registered to the reference first. ``image`` is
    interpolated linearly; outside it is the least value of each channel: air; on the way back it is
    the least logit. Any other key is a label, see ``resampled_label``; outside is no structure.

    Args:
        keys: Images and labels (C, *S) on their own grids; the first one is what is registered.
        spatial_size: Voxels of the output along each axis, (N,).
        spacing: Voxel size of the reference's grid in mm along each axis, (N,), above 0.
        reference: Image file that items without a grid are registered to; ``None`` to refuse them.
        intensity: As in ``dataset.json``: what of the first channel registration looks at.
        method: ``"itk"`` or ``"ants"``.
        overlapping: Labels are masks, a channel each.
        allow_missing_keys: Pass over keys that an item does not have.
    """

    def __init__(
        self,
        keys: KeysCollection,
        *,
        spatial_size: Sequence[int],
        spacing: Sequence[float],
        reference: str | Path | None = None,
        intensity: Intensity,
        method: str = "itk",
        overlapping: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.spatial_size = tuple(spatial_size)
        self.spacing = tuple(spacing)
        self.reference = reference
        self.intensity = intensity
        self.method = method
        self.overlapping = overlapping
        self.resample = SpatialResample(mode="bilinear", padding_mode="zeros")

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item on the grid, without its ``grid``.

        Raises:
            InputError: If it has no grid and no reference is given or readable, registration
                fails, or memory cannot hold the grid.
        """
        item = dict(data)
        grid = item.pop("grid", None)
        if grid is None:
            grid = self._grid(item[self.first_key(item)])
        affine = np.asarray(grid, dtype=float)
        onto = partial(self.resample, dst_affine=affine, spatial_size=self.spatial_size)
        for key in self.key_iterator(item):
            refuse_too_large(
                self.spatial_size,
                voxel_bytes=resampling_bytes(len(item[key])),
                what=f"{source_of(item[key])}: on the grid of the reference",
                change="give a smaller --spatial_size",
            )
            item[key] = self._resampled(key, item[key], onto)
        return item

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item on the images' own grids."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self._resampled(key, item[key], self.resample.inverse)
        return item

    def _resampled(self, key: Hashable, image: MetaTensor, resample: Resampling) -> MetaTensor:
        if key != "image":
            return resampled_label(image, resample, overlapping=self.overlapping)
        least = _least(image)
        return least + resample(image - least)

    def _grid(self, image: MetaTensor) -> np.ndarray:
        """Registration to the reference, as ``prepare`` does it."""
        name = source_of(image) or "image"
        if self.reference is None:
            raise InputError(f"{name}: no grid from prepare, and no reference to register it to")
        reference = _read(str(self.reference))
        transform = register_affine(image, reference, intensity=self.intensity, method=self.method)
        grid = output_grid(
            reference.affine,
            reference.shape[1:],
            spacing=self.spacing,
            spatial_size=self.spatial_size,
        )
        return transform @ grid


def _least(image: MetaTensor) -> Tensor:
    """Of each channel, (C, 1, ...): one sequence has other values than the next."""
    return image.as_tensor().flatten(1).amin(dim=1).view(-1, *[1] * (image.ndim - 1))


@lru_cache(maxsize=1)
def _read(path: str) -> MetaTensor:
    """The reference, (C, *S) on its own grid; kept for the next image."""
    if not Path(path).exists():
        raise InputError(f"{path}: no such reference; give --reference FILE")
    return read(path)
