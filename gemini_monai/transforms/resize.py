"""Images without voxel sizes at the network's size, and back."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from monai.config.type_definitions import KeysCollection
from monai.transforms.spatial.dictionary import Resized
from monai.utils.enums import TraceKeys
from torch import Tensor

LINEAR = {2: "bilinear", 3: "trilinear"}
"""What PyTorch calls linear interpolation, by the number of axes."""


class ResizeByAread(Resized):
    """MONAI's ``Resized`` by means over areas, which leaves no pixel out; back it is linear.

    On the way back, means over areas would be blocks of one value: logits of a smaller grid would
    make label maps with steps.

    Args:
        keys: Images (C, *S).
        spatial_size: Voxels along each axis, (N,).
        allow_missing_keys: Pass over keys that an item does not have.
    """

    def __init__(
        self,
        keys: KeysCollection,
        *,
        spatial_size: Sequence[int],
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(
            keys, spatial_size=spatial_size, mode="area", allow_missing_keys=allow_missing_keys
        )

    def inverse(self, data: Mapping[Hashable, Tensor]) -> dict[Hashable, Tensor]:
        """The item at the images' own sizes."""
        item: dict[Hashable, Any] = dict(data)
        for key in self.key_iterator(item):
            done = item[key].applied_operations[-1][TraceKeys.EXTRA_INFO]
            done["mode"] = LINEAR[item[key].ndim - 1]
        inverted: dict[Hashable, Tensor] = super().inverse(item)
        return inverted
