"""What is scored of a prediction and its truth: the voxels that count."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.transforms.transform import MapTransform

IGNORED_VOXELS = "ignored"
"""Key of a mask of what did not count, (1 or K, *S)."""


class OnlyCountedd(MapTransform):
    """Background, or no structure, in ``pred`` and the truth alike where the truth is ignored.

    So neither a true nor a false voxel is there for any score, and ``ignored`` says where.

    Args:
        label: Key of the truth, (1, *S) of class indices or (K, *S) of zeros and ones, of which
            those below 0 are ignored.
    """

    def __init__(self, label: str) -> None:
        super().__init__(["pred", label])
        self.label = label

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with ``ignored``; ``pred`` (1, *S) or (K, *S), decided, on the same grid."""
        item = dict(data)
        ignored = item[self.label] < 0
        for key in self.keys:
            item[key] = item[key].masked_fill(ignored.to(item[key].device), 0)
        item[IGNORED_VOXELS] = ignored
        return item
