"""MONAI's resampling to a voxel size, beside whatever else an item holds."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from monai.transforms.spatial.dictionary import Spacingd
from torch import Tensor


class SpacingAloned(Spacingd):
    """``Spacingd`` that sees its own keys only.

    MONAI's takes every entry whose key begins with ``image_`` for a dictionary of metadata. MONAI
    Label has the path of the image there, as ``image_path``.
    """

    def __call__(
        self, data: Mapping[Hashable, Tensor], lazy: bool | None = None
    ) -> dict[Hashable, Tensor]:
        """The item with its images resampled."""
        item = dict(data)
        own = {key: item[key] for key in self.keys if key in item}
        return item | super().__call__(own, lazy)
