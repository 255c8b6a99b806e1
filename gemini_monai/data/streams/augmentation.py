"""What a random transform is made of: what moves an image, and what changes its looks alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from typing import Any

import numpy as np
import torch
from monai.transforms.compose import Compose
from monai.transforms.croppad.dictionary import (
    CenterScaleCropd,
    CenterSpatialCropd,
    RandScaleCropd,
    RandSpatialCropd,
    SpatialCropd,
)
from monai.transforms.smooth_field.dictionary import (
    RandSmoothFieldAdjustContrastd,
    RandSmoothFieldAdjustIntensityd,
)
from monai.transforms.spatial.dictionary import (
    Affined,
    Flipd,
    RandAffined,
    RandAxisFlipd,
    RandFlipd,
    RandRotate90d,
    RandRotated,
    RandSimulateLowResolutiond,
    Rotate90d,
    Rotated,
)
from monai.transforms.transform import Randomizable
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.data.streams.moving import Item, RandomTransform, moves, tried
from gemini_monai.transforms.views import RandResizedCropd

LOSSLESS = (RandFlipd, Flipd, RandAxisFlipd, RandRotate90d, Rotate90d)
AFFINE = (
    *(RandAffined, Affined, RandRotated, Rotated),
    *(RandSpatialCropd, SpatialCropd, CenterSpatialCropd, RandScaleCropd, CenterScaleCropd),
    RandResizedCropd,
)
"""What moves an image by the affine that MONAI tracks, to the last digit."""
ROUNDING = 1e-3
"""Of label values in a transform."""
SORTED = (
    RandSimulateLowResolutiond,  # a blur, which moves things by half a voxel or so
    *(RandSmoothFieldAdjustContrastd, RandSmoothFieldAdjustIntensityd),
)
"""Looks that MONAI has among places, and fields that change looks."""
LOOKS = "monai.transforms.intensity"
PLACES = ("monai.transforms.spatial", "monai.transforms.croppad")


def parts_of(transform: RandomTransform) -> Iterator[RandomTransform]:
    """The transforms that a composition, however deep, is made of."""
    if isinstance(transform, Compose):
        for part in transform.transforms:
            yield from parts_of(part)
    else:
        yield transform


def names_of(transform: RandomTransform) -> str:
    """Names of the parts, for a message."""
    return ", ".join(type(part).__name__ for part in parts_of(transform))


def is_look(part: RandomTransform, image: Tensor) -> bool:
    """Whether it changes looks alone: as MONAI sorts it, else as it shows when tried out.

    Args:
        part: Of items with an ``image``.
        image: One such, (C, *S).
    """
    if isinstance(part, (*SORTED, *AFFINE)):
        return isinstance(part, SORTED)
    rooms = [kind.__module__ for kind in type(part).__mro__]
    if any(room.startswith(LOOKS) for room in rooms):
        return True
    return not any(room.startswith(PLACES) for room in rooms) and not moves(part, image)


def looks_of(transform: RandomTransform, image: Tensor) -> list[Randomizable]:
    """The largest random parts that change looks alone, such as noise.

    Args:
        transform: Of items with an ``image``.
        image: One such, (C, *S).
    """
    if all(is_look(part, image) for part in parts_of(transform)):
        return [transform] if isinstance(transform, Randomizable) else []
    parts = transform.transforms if isinstance(transform, Compose) else ()
    return [look for part in parts for look in looks_of(part, image)]


def places_alone(transform: RandomTransform, image: Tensor) -> RandomTransform:
    """The transform without what moves nothing; by one seed, both move an image alike.

    Args:
        transform: Of items with an ``image``.
        image: One such, (C, *S).
    """

    def still(part: RandomTransform) -> RandomTransform:
        if isinstance(part, RandSimulateLowResolutiond) or not is_look(part, image):
            return part
        return _Still() if isinstance(part, Randomizable) else _same

    return rebuilt(transform, still)


def rebuilt(
    transform: RandomTransform, change: Callable[[RandomTransform], RandomTransform]
) -> RandomTransform:
    """The same composition of what a change makes of each part."""
    if not isinstance(transform, Compose):
        return change(transform)
    made = copy(transform)
    made.transforms = tuple(rebuilt(part, change) for part in transform.transforms)
    return made


def is_tracked(transform: RandomTransform) -> bool:
    """Whether the affine of what it makes says where everything is from, as MONAI tracks it.

    Not where two parts leave something outside, as what the second brings back in is not there any
    more; nor where somebody else's part may have lost the affine.
    """
    kinds = [type(part) for part in parts_of(transform)]
    moving = [kind for kind in kinds if not kind.__module__.startswith(LOOKS)]
    return set(moving) <= {*AFFINE, *LOSSLESS} and sum(kind in AFFINE for kind in moving) <= 1


def applied(transform: RandomTransform, item: Item) -> Item:
    """What a transform makes of a copy of an item, its image in [0, 1], or the range that it had.

    Some transforms of MONAI write into the image that they are given.

    Raises:
        InputError: If it makes something else than one item, or values that are not finite.
    """
    made = transform({key: _copied(value) for key, value in item.items()})
    if not isinstance(made, Mapping) or not isinstance(made.get("image"), (Tensor, np.ndarray)):
        raise InputError(
            f"random_transforms: {names_of(transform)} makes a {type(made).__name__} of an item, "
            "expected one item with its image"
        )
    image, before = torch.as_tensor(made["image"]), torch.as_tensor(item["image"])
    if not bool(torch.isfinite(image).all()):
        raise InputError(
            f"random_transforms: {names_of(transform)} makes values that are not finite (NaN or "
            "infinity)"
        )
    least, greatest = min(0.0, float(before.min())), max(1.0, float(before.max()))
    return {**made, "image": image.clamp(least, greatest)}


def refuse_image_alone(transform: RandomTransform, item: Item) -> None:
    """Stop at what moves an image without its label, or makes values that the label has not.

    Args:
        transform: Of items with ``image`` and ``label``.
        item: One such.

    Raises:
        InputError: Naming the part of the transform.
    """
    for part in parts_of(transform):
        keys = getattr(part, "keys", ("image", "label"))
        name = f"random_transforms: {type(part).__name__}"
        if "label" in keys and _mixes_labels(part, item):
            raise InputError(
                f"{name} changes the values of the label; give the label mode 'nearest', or leave "
                "it out of the keys of what moves nothing"
            )
        if "image" in keys and "label" not in keys and not is_look(part, item["image"]):
            raise InputError(f"{name} moves the image without its label; give it both keys")


def _mixes_labels(part: RandomTransform, item: Item) -> bool:
    """Whether the label comes to hold values that are between its own."""
    image, label = torch.as_tensor(item["image"]), torch.as_tensor(item["label"])
    found = torch.as_tensor(tried(part, {"image": image, "label": label}, seed=0)["label"])
    known, values = (own.unique().cpu().double() for own in (label, found))
    nearest = (values[:, None] - torch.cat([known, torch.zeros(1)])).abs().amin(dim=1)
    return bool((nearest > ROUNDING).any())


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


def _same(item: Item) -> Item:
    return item


class _Still(Randomizable):
    """In the place of a random transform, with a seed like it."""

    def __call__(self, item: Item) -> Item:
        return item
