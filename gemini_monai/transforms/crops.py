"""Random crops of images that are larger than what a network is trained on."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from monai.transforms.croppad.dictionary import RandCropByLabelClassesd, RandSpatialCropd
from monai.transforms.transform import Randomizable

from gemini_monai.base.errors import InputError
from gemini_monai.transforms.input import InputSpec

ABOUT_A_STRUCTURE = 2 / 3
"""Share of the crops of a labeled image whose center is in a structure, each alike."""


class ForegroundCropd(Randomizable):
    """A crop at a random place, of labeled images mostly about a structure.

    A third of the crops of a labeled image have their center in the background, the others in a
    structure, each of those that are there as often as another, however small it is. An image
    without a label is cropped anywhere. Where a crop would go beyond the image it is moved back.

    Args:
        spec: Size of the crops, and what labels mean.

    Raises:
        InputError: If the network sees slices of the volumes.
    """

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        if spec.slices:
            raise InputError("key 'crops': random crops are of whole volumes, not of slices")
        size, structures = list(spec.spatial_size), len(spec.structures)
        share = ABOUT_A_STRUCTURE / max(1, structures)
        ratios = [share] * structures
        background = [] if spec.overlapping else [1 - ABOUT_A_STRUCTURE]
        self.anywhere = RandSpatialCropd(
            ["image", "label"], size, random_size=False, allow_missing_keys=True
        )
        self.about = RandCropByLabelClassesd(
            ["image", "label"],
            label_key="label",
            spatial_size=size,
            ratios=[*background, *ratios],
            num_classes=spec.out_channels,
            num_samples=1,
            allow_smaller=True,
            warn=False,
        )
        self.uniform = 1 - ABOUT_A_STRUCTURE if spec.overlapping else 0.0

    def set_random_state(
        self, seed: int | None = None, state: np.random.RandomState | None = None
    ) -> ForegroundCropd:
        """Seed all draws."""
        super().set_random_state(seed, state)
        self.anywhere.set_random_state(seed, state)
        self.about.set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with crops (C, *spatial_size) of ``image`` and, if it is there, ``label``."""
        item = dict(data)
        label = item.get("label")
        if label is None or self.R.random() < self.uniform or not bool((label > 0).any()):
            return dict(self.anywhere(item))
        return dict(self.about(item)[0])
