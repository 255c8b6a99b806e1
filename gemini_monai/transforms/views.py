"""Random views of an image for methods that compare them: resized crops, and changes of looks."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config.type_definitions import KeysCollection
from monai.transforms.compose import Compose
from monai.transforms.intensity.dictionary import (
    RandAdjustContrastd,
    RandGaussianSmoothd,
    RandScaleIntensityd,
    RandScaleIntensityFixedMeand,
)
from monai.transforms.spatial.array import Affine
from monai.transforms.transform import MapTransform, Randomizable

from gemini_monai.base.errors import InputError

TRIALS = 10
"""Draws of a crop that may be larger than the image before it is cut to it."""
RATIO = 4 / 3
JITTER = 0.8
"""Probability of each change of looks but blur."""
BLUR = (0.1 / 224, 2.0 / 224)
"""Standard deviation of the blur, as a share of the image's mean side."""


class RandResizedCropd(Randomizable, MapTransform):
    """Cut out a random box, turned by a random angle, and bring it to the size of the image.

    The box has a share of the image's area or volume that is drawn evenly; the logarithm of the
    ratio of each further side to the first, both as shares of the image's, is drawn evenly too. In
    2-D these are the draws of torchvision's ``RandomResizedCrop``. It is one affine resampling,
    which MONAI tracks, so that the field between two views is known.

    Args:
        keys: Images (C, *S). Interpolation is linear; what the turn brings in is 0.
        share: Least and greatest share of the image's area or volume, in (0, 1].
        degrees: Greatest angle about each axis.
        device: Where it is computed.
        allow_missing_keys: Whether an item may lack some of the keys.

    Raises:
        InputError: If ``share`` is not two numbers in (0, 1], the least first.
    """

    def __init__(
        self,
        keys: KeysCollection,
        *,
        share: Sequence[float] = (0.2, 1.0),
        degrees: float = 0.0,
        device: torch.device | str = "cpu",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if len(share) != 2 or not 0 < share[0] <= share[1] <= 1:
            raise InputError(
                f"view_transforms: crop must be the least and the greatest share of an image, in "
                f"(0, 1], got {share}"
            )
        self.share, self.angle, self.device = tuple(share), math.radians(degrees), device

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """A copy of the item with other images."""
        item = dict(data)
        places: dict[str, Any] | None = None
        for key in self.key_iterator(item):
            places = places or self._drawn(item[key].shape[1:])
            cut = Affine(**places, padding_mode="zeros", device=self.device, image_only=True)
            item[key] = cut(item[key])
        return item

    def _drawn(self, shape: Sequence[int]) -> dict[str, Any]:
        """Angles in radians, sides as shares, and the way of the middle in voxels."""
        sides = self.sides(len(shape))
        turns = 1 if len(shape) == 2 else 3
        way = self.R.uniform(-0.5, 0.5, len(shape)) * (1 - sides) * (np.array(shape) - 1)
        return {
            "rotate_params": self.R.uniform(-self.angle, self.angle, turns).tolist(),
            "scale_params": sides.tolist(),
            "translate_params": way.tolist(),
        }

    def sides(self, axes: int) -> np.ndarray:
        """Sides of a box that is drawn, as shares of the image's, (axes,)."""
        for _ in range(TRIALS):
            ratios = np.array([0.0, *self.R.uniform(-math.log(RATIO), math.log(RATIO), axes - 1)])
            share = self.R.uniform(*self.share) ** (1 / axes)
            sides = share * np.exp(ratios - ratios.mean())
            if sides.max() <= 1:
                break
        return np.minimum(sides, 1.0)


def view_transforms(
    spatial_size: Sequence[int],
    *,
    crop: Sequence[float] = (0.2, 1.0),
    intensity: float = 0.4,
    blur: float = 0.5,
    degrees: float = 0.0,
    device: torch.device | str = "cpu",
) -> Compose:
    """What two views are drawn by in methods that were published for photographs.

    A resized crop; brightness, contrast about the mean, and, for the hue and saturation that one
    channel has not, gamma; blur. What is of photographs alone is left out: gray, solarized, and
    flipped views, as the sides of a body differ. Ranges are those of the methods' code: brightness
    and contrast within ``1 - intensity`` to ``1 + intensity``, each with probability 0.8, the
    blur's standard deviation 0.1 to 2 pixels of 224.

    Args:
        spatial_size: Of the images, to which the blur is in proportion.
        crop: Least and greatest share of the image's area or volume, in (0, 1].
        intensity: Greatest change of brightness and contrast, from 0, none, to less than 1. Gamma
            is from ``1 / (1 + intensity)`` to ``1 + intensity``.
        blur: Probability of blur.
        degrees: Greatest angle about each axis.
        device: Where crops are computed.

    Raises:
        InputError: If ``crop`` or ``intensity`` is out of its range.
    """
    if not 0 <= intensity < 1:
        raise InputError(
            f"view_transforms: intensity must be from 0 to less than 1, got {intensity}"
        )
    sigma = tuple(float(np.mean(spatial_size)) * share for share in BLUR)
    gamma = (1 / (1 + intensity), 1 + intensity)
    looks = [
        RandScaleIntensityd("image", factors=intensity, prob=JITTER),
        RandScaleIntensityFixedMeand("image", factors=intensity, prob=JITTER),
        RandAdjustContrastd("image", gamma=gamma, prob=JITTER),
    ]
    smooth = RandGaussianSmoothd("image", sigma, sigma, sigma, prob=blur)
    moved = RandResizedCropd("image", share=crop, degrees=degrees, device=device)
    return Compose([moved, *(looks if intensity else []), *([smooth] if blur else [])])
