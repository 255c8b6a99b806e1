"""Whether a transform that nobody knows moves things: tried out on blocks."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, TypeAlias

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.warp import identity_grid

Item: TypeAlias = dict[str, Any]
RandomTransform: TypeAlias = Callable[[Item], Item]
Box: TypeAlias = tuple[slice, ...]
TRIALS = 3
STILL = 0.5
"""Voxels by which what is seen around a block may lie to one side."""


def set_seed(transform: RandomTransform, seed: int) -> None:
    """Let the next draws of a transform be those of a seed, where it has such."""
    if hasattr(transform, "set_random_state"):
        transform.set_random_state(seed=seed)


def without_chance(transform: RandomTransform) -> RandomTransform:
    """A copy that always does what it does at times."""
    always = deepcopy(transform)
    if hasattr(always, "prob"):
        always.prob = 1.0
    return always


def tried(transform: RandomTransform, item: Item, *, seed: int) -> Item:
    """What a transform makes of an item where nothing is left to chance but how much.

    Args:
        transform: Stays as it is.
        item: Stays as it is.
        seed: Of the draws, also of those that are not the transform's own.

    Raises:
        InputError: If the transform cannot take the item, or makes several of it.
    """
    always = without_chance(transform)
    set_seed(always, seed)
    try:
        with _drawn_by(seed, item["image"].device):
            made = always({key: MetaTensor(value.clone()) for key, value in item.items()})
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"random_transforms: {type(transform).__name__} does not take an image of shape "
            f"{tuple(item['image'].shape)}: {reason}"
        ) from error
    if not isinstance(made, Mapping):
        raise InputError(
            f"random_transforms: {type(transform).__name__} makes a {type(made).__name__} of an "
            "item, expected one item"
        )
    return dict(made)


def moves(transform: RandomTransform, image: Tensor) -> bool:
    """Whether what a change of the image changes lies elsewhere afterwards.

    The image and the same with brighter blocks go through the transform by one seed; where they
    differ then, the blocks lie. Noise, curves of intensity, holes and blur leave them there.

    Args:
        transform: Of items with an ``image``.
        image: One such, (C, *S).

    Raises:
        InputError: If it cannot be tried out.
    """
    boxes = list(_boxes(image.shape[1:]))
    dark = 0.75 * _plain(image).float()
    bright = dark.clone()
    for box in boxes:
        bright[(slice(None), *box)] += 0.25
    label = torch.zeros_like(dark[:1])
    for seed in range(TRIALS):
        before, after = (
            torch.as_tensor(tried(transform, {"image": own, "label": label}, seed=seed)["image"])
            for own in (dark, bright)
        )
        if before.shape != image.shape or _moved(_plain(after) - _plain(before), boxes):
            return True
    return False


def _moved(change: Tensor, boxes: Sequence[Box]) -> bool:
    """Whether a change of the blocks is seen beside them, and not all around as after blur."""
    change = change.abs().sum(dim=0)
    change = change * (change > change.max() / 4)
    for box in boxes:
        change[box] = 0
    grid = identity_grid(change.shape, device=change.device)
    for box in boxes:
        window = tuple(slice(max(0, 2 * s.start - s.stop), 2 * s.stop - s.start) for s in box)
        middle = grid[(slice(None), *box)].flatten(1).mean(dim=1)
        around, places = change[window].clone(), grid[(slice(None), *window)]
        change[window] = 0
        center = (places * around).flatten(1).sum(dim=1) / around.sum()
        if (center - middle).abs().max() > STILL:  # false for NaN, where nothing is around
            return True
    return bool(change.any())


def _boxes(shape: Sequence[int]) -> Iterator[Box]:
    """Blocks of an eighth of the image's side, no two of which are mirrored by a flip or a turn."""
    for corner in itertools.product((4, 10), repeat=len(shape)):
        half = [max(1, side // 16) for side in shape]
        middle = [max(1, side * part // 16) for side, part in zip(shape, corner, strict=True)]
        yield tuple(slice(m - h, m + h) for m, h in zip(middle, half, strict=True))


def _plain(image: Tensor) -> Tensor:
    return image.as_tensor() if isinstance(image, MetaTensor) else image


@contextmanager
def _drawn_by(seed: int, device: torch.device) -> Iterator[None]:
    """Draws of everybody by a seed; theirs go on afterwards as if nothing had been."""
    python, array = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng([] if device.type == "cpu" else [device]):
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            torch.manual_seed(seed)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(array)  # noqa: NPY002
