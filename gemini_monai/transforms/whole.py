"""What a label map says, with structures as whole as those of the labels it was learned from."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.data.meta_tensor import MetaTensor
from monai.transforms.transform import MapTransform

from gemini_monai.geometry.components import largest_components, without_holes
from gemini_monai.transforms.input import InputSpec


class WholeStructuresd(MapTransform):
    """Largest components and closed holes of the structures that ``spec`` names.

    Args:
        key: Of a MetaTensor, class indices (1, *S), or of masks (K, *S).
        spec: Which structures, and what the label's numbers mean.
    """

    def __init__(self, key: str, spec: InputSpec) -> None:
        super().__init__(key)
        self.largest = spec.maps_of(spec.largest_component)
        self.filled = spec.maps_of(spec.fill_holes)
        self.overlapping = spec.overlapping

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with it."""
        item = dict(data)
        for key in self.key_iterator(item):
            label = item[key]
            found = largest_components(label[None], self.largest, overlapping=self.overlapping)
            found = without_holes(found, self.filled, overlapping=self.overlapping)[0]
            item[key] = MetaTensor(found).copy_meta_from(label)
        return item
