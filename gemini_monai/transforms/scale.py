"""Intensities as a network sees them: in [0, 1], or as z-scores."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config.type_definitions import KeysCollection
from monai.data.meta_tensor import MetaTensor
from monai.transforms.intensity.array import ScaleIntensityRange
from monai.transforms.transform import MapTransform
from monai.utils.type_conversion import convert_to_dst_type
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.base.intensity import (
    Intensity,
    Rule,
    is_z_score,
    refuse_other_length,
    rule_of,
    scale_bounds,
)
from gemini_monai.images import source_of


class ScaleChannelsd(MapTransform):
    """Intensities to [0, 1], clipped: every channel by itself, or all channels of a color as one.

    Or to z-scores, of mean 0 and standard deviation 1 over all voxels, which are not clipped.

    MONAI's ``ScaleIntensityRanged`` and ``ScaleIntensityRangePercentilesd`` with a rule a channel,
    which also scale an image that is mostly one value (see ``scale_bounds``).

    Args:
        keys: Images (C, *S).
        intensity: One rule, or one a channel.
        color: Whether channels are parts of one color. One rule then has one scale for all of them.
        allow_missing_keys: Pass over keys that an item does not have.
    """

    def __init__(
        self,
        keys: KeysCollection,
        *,
        intensity: Intensity,
        color: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.intensity = intensity
        self.color = color

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with its images as float32.

        Raises:
            InputError: Naming the file, if it holds values that are not finite, a channel has no
                range, or there are rules for another number of channels.
        """
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self._scaled(item[key])
        return item

    def _scaled(self, image: Tensor) -> Tensor:
        refuse_not_finite(image)
        refuse_other_length(self.intensity, len(image), name=f"{_file(image)}: intensity")
        plain = image.as_tensor() if isinstance(image, MetaTensor) else image
        together = self.color and isinstance(self.intensity, Mapping)
        parts = [plain] if together else plain.split(1)
        parts = [
            _to_unit(part, rule_of(self.intensity, k), name=_named(image, k, of=len(parts)))
            for k, part in enumerate(parts)
        ]
        scaled: Tensor = convert_to_dst_type(torch.cat(parts), dst=image, dtype=torch.float32)[0]
        refuse_not_finite(scaled, when=" once scaled")
        return scaled


class FiniteImaged(MapTransform):
    """Stop at an image that transforms of one's own have made not finite."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item as it is.

        Raises:
            InputError: Naming the file.
        """
        for key in self.key_iterator(dict(data)):
            refuse_not_finite(data[key], when=" after transforms of one's own")
        return dict(data)


def refuse_not_finite(image: Tensor, *, when: str = "") -> None:
    """Stop at NaN and infinity.

    Args:
        image: Of any shape.
        when: It holds them then, for the message.

    Raises:
        InputError: Naming the file.
    """
    if not bool(torch.isfinite(image).all()):
        raise InputError(
            f"{_file(image)}: holds values that are not finite (NaN or infinity){when}"
        )


def _file(image: Tensor) -> str:
    return source_of(image) or "image"


def _named(image: Tensor, channel: int, *, of: int) -> str:
    return _file(image) if of == 1 else f"{_file(image)}: channel {channel + 1} of {of}"


def _to_unit(values: Tensor, rule: Rule, *, name: str) -> Tensor:
    lower, upper = scale_bounds(values, rule, name=name)
    clip = not is_z_score(rule)
    scaled = ScaleIntensityRange(lower, upper, b_min=0.0, b_max=1.0, clip=clip)(values)
    return scaled.as_tensor() if isinstance(scaled, MetaTensor) else torch.as_tensor(scaled)
