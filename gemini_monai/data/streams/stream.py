"""What a stream is, and what all of them do with images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.data.streams.augmentation import applied
from gemini_monai.data.streams.moving import Item as Item
from gemini_monai.data.streams.moving import RandomTransform as RandomTransform
from gemini_monai.data.streams.seeding import Seeding

LABELED, UNLABELED = "labeled", "unlabeled"


class Stream:
    """A part of every batch.

    Args:
        count: How many images, or pairs, an iteration has.
        transform: Random transform of an item, applied after the cache; ``None`` for none.
    """

    number: int
    """Which sequence of random numbers is its own. Never changed: it would change every batch."""
    keys: tuple[str, ...]
    """What it adds to a batch."""
    source: str | None = None
    """Which images it draws from, ``"labeled"`` or ``"unlabeled"``."""
    needs: tuple[str, ...] = ()
    """Keys of streams before it that it is made from."""

    def __init__(self, count: int, *, transform: RandomTransform | None = None) -> None:
        self.count = count
        self.transform = transform
        self.seeding = Seeding(transform)
        self.looks: Sequence[Seeding] = []
        self.data: Sequence[Item] = []

    def open(self, data: Sequence[Item]) -> None:
        """Take the images that it draws from.

        Raises:
            InputError: If there are too few.
        """
        if self.source is not None and not len(data):
            more = (
                "; of a segmenter, --labeled_cases N takes N labels and the others' images without "
                "one, and --method supervised needs none"
            )
            raise InputError(
                f"no {self.source} image: this method needs one or more in '{self.source}'"
                + more * (self.source == UNLABELED)
            )
        self.data = data

    def draw(self, random: np.random.Generator, drawn: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Its part of one batch.

        Args:
            random: Seeded for this stream and iteration.
            drawn: What streams before it have added.
        """
        raise NotImplementedError(f"{type(self).__name__} draws nothing")

    def augmented(
        self,
        item: Item,
        *,
        seed: int,
        keys: Sequence[str] = ("image",),
        look: int | None = None,
    ) -> Item:
        """Some keys of an item after the random transform of a seed, the image in [0, 1].

        Args:
            item: Stays as it is.
            seed: Of the draws.
            keys: What is transformed; others are left out.
            look: Seed of the draws of what changes looks alone; ``None`` for that of all.
        """
        item = {key: item[key] for key in keys if key in item}
        if self.transform is None:
            return item
        self.seeding(seed)
        for number, seeding in enumerate(self.looks if look is not None else ()):
            seeding(int(look or 0) + number)
        return applied(self.transform, item)

    def images(
        self,
        chosen: Sequence[int],
        read: Mapping[int, Item],
        *,
        seeds: Sequence[int],
        looks: Sequence[int | None] | None = None,
    ) -> Tensor:
        """The chosen images, each after the random transform of its seeds, (B, C, *S)."""
        drawn = zip(chosen, seeds, looks or [None] * len(chosen), strict=True)
        return stacked(
            [self.augmented(read[k], seed=seed, look=look)["image"] for k, seed, look in drawn]
        )


def stacked(images: Sequence[Tensor]) -> Tensor:
    """One batch (B, C, *S), without metadata.

    Raises:
        InputError: If the images differ in shape.
    """
    shapes = {tuple(image.shape) for image in images}
    if len(shapes) > 1:
        raise InputError(
            f"images of one batch differ in shape {sorted(shapes)}: the transforms must bring "
            "every image to one size"
        )
    plain = [image.as_tensor() if isinstance(image, MetaTensor) else image for image in images]
    return torch.stack([torch.as_tensor(image) for image in plain])


def seed_of(random: np.random.Generator) -> int:
    """The next seed of a random transform."""
    return int(random.integers(2**31))


def read_once(data: Sequence[Item], chosen: Sequence[int]) -> dict[int, Item]:
    """The chosen items by place; one that is chosen twice is decoded once."""
    return {k: data[k] for k in dict.fromkeys(chosen)}


def draw_places(random: np.random.Generator, total: int, count: int) -> list[int]:
    """``count`` of ``total`` without repetition, or with when there are not enough."""
    chosen: list[int] = []
    while len(chosen) < count:
        chosen.extend(random.permutation(total).tolist())
    return chosen[:count]
