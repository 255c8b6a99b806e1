"""What a label map says, with structures as whole as those of the labels it was learned from."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.data.meta_tensor import MetaTensor
from monai.transforms.transform import MapTransform
from torch import Tensor

from gemini_monai.geometry.components import largest_components, without_holes
from gemini_monai.transforms.input import InputSpec


def whole_label(label: Tensor, spec: InputSpec) -> Tensor:
    """Largest components and closed holes of the structures that ``spec`` names.

    Args:
        label: Class indices (B, 1, *S), or masks (B, K, *S).
        spec: Which structures, and what the label's numbers mean.
    """
    kept = largest_components(
        label, spec.maps_of(spec.largest_component), overlapping=spec.overlapping
    )
    return without_holes(kept, spec.maps_of(spec.fill_holes), overlapping=spec.overlapping)


class WholeStructuresd(MapTransform):
    """``whole_label`` of one label.

    Args:
        key: Of a MetaTensor, class indices (1, *S), or masks (K, *S).
        spec: As of ``whole_label``.
    """

    def __init__(self, key: str, spec: InputSpec) -> None:
        super().__init__(key)
        self.spec = spec

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with it."""
        item = dict(data)
        for key in self.key_iterator(item):
            whole = whole_label(item[key][None], self.spec)[0]
            item[key] = MetaTensor(whole).copy_meta_from(item[key])
        return item
