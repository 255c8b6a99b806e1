"""Refusal of grids that memory cannot hold, before anything is sampled on them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.config.type_definitions import KeysCollection
from monai.transforms.transform import MapTransform

from gemini_monai.base.memory import refuse_too_large
from gemini_monai.images import source_of

GRID = 56
"""Bytes a voxel of MONAI's resampling that follow from the grid: positions in double precision,
homogeneous and not (54 were measured)."""

SAME = 1e-3
"""Difference of voxel sizes in mm that MONAI passes over."""


def resampling_bytes(channels: int) -> int:
    """Bytes a voxel of the result that MONAI's resampling holds at one time, at least.

    Args:
        channels: Of what is resampled, whose result is in double precision.
    """
    return max(GRID, 24 + 8 * channels)


class RoomForGridd(MapTransform):
    """Stop before images are brought to a voxel size, or resized, beyond what memory holds.

    Args:
        keys: Images and labels (C, *S) on their own grids, turned to the grid's axes.
        spacing: Voxel size in mm along each axis; ``None`` where they are resized.
        spatial_size: Voxels along each axis where they are.
        allow_missing_keys: Pass over keys that an item does not have.
    """

    def __init__(
        self,
        keys: KeysCollection,
        *,
        spacing: Sequence[float] | None,
        spatial_size: Sequence[int],
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.spacing = spacing
        self.spatial_size = spatial_size

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item as it is.

        Raises:
            InputError: Naming the file, the grid and what makes it smaller.
        """
        item = dict(data)
        for key in self.key_iterator(item):
            image = item[key]
            if self.spacing is None:
                refuse_too_large(
                    self.spatial_size,
                    voxel_bytes=4 * len(image),
                    what=f"{source_of(image)}: resized",
                    change="give a smaller --spatial_size",
                )
            else:
                shape = image.shape[1:]
                refuse_resampling(
                    shape,
                    [float(step) for step in image.pixdim[: len(shape)]],
                    self.spacing,
                    channels=len(image),
                    what=source_of(image),
                )
        return item


class RoomForOwnGridd(MapTransform):
    """Stop before predictions are brought back to images' own grids beyond what memory holds.

    Args:
        keys: Predictions (K, *S) of an item with the ``image`` that they are of.
    """

    def __init__(self, keys: KeysCollection) -> None:
        super().__init__(keys)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item as it is.

        Raises:
            InputError: Naming the case and its grid.
        """
        item = dict(data)
        for key in self.key_iterator(item):
            channels, seen = len(item[key]), item["image"]
            for done in getattr(seen, "applied_operations", []):
                shape = tuple(int(size) for size in done["orig_size"])
                sampled = done["class"] == "SpatialResample" and shape != tuple(seen.shape[1:])
                refuse_too_large(
                    shape,
                    voxel_bytes=resampling_bytes(channels) if sampled else 4 * channels,
                    what=f"case '{item.get('case')}': {channels} channels on the image's own grid",
                    change="crop the image, or segment it where there is more memory",
                    device=item[key].device,
                )
        return item


def refuse_resampling(
    shape: Sequence[int],
    present: Sequence[float],
    spacing: Sequence[float],
    *,
    channels: int,
    what: str,
) -> None:
    """Stop before an image is brought to a voxel size beyond what memory holds.

    Args:
        shape: Voxels along each axis.
        present: Their size in mm.
        spacing: The other size in mm, above 0.
        channels: Of the image.
        what: Its file.

    Raises:
        InputError: Naming the file, both voxel sizes, the grid and what makes it smaller.
    """
    same = np.allclose(present, spacing, rtol=0, atol=SAME)
    axes = zip(shape, present, spacing, strict=True)
    refuse_too_large(
        [(points - 1) * step / new + 1 for points, step, new in axes],
        voxel_bytes=4 * channels if same else resampling_bytes(channels),
        what=f"{what}: voxels of {_mm(present)} mm brought to {_mm(spacing)} mm",
        change="give a larger spacing (--spacing, or in dataset.json), or mend the voxel size of "
        "the file",
    )


def _mm(values: Sequence[float]) -> str:
    return " x ".join(f"{value:.4g}" for value in values)
