"""Pairs of images that nobody has labeled, and what restoration makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.data.streams.augmentation import looks_of
from gemini_monai.data.streams.partner_sampler import PartnerSampler
from gemini_monai.data.streams.seeding import Seeding
from gemini_monai.data.streams.stream import (
    UNLABELED,
    Item,
    RandomTransform,
    Stream,
    read_once,
    seed_of,
    stacked,
)

PAIRINGS = ("separate", "ring")


class Pairs(Stream):
    """``image_a`` and ``image_b``: pairs of unlabeled images of different patients of one group.

    The images of a pair, or of a ring, share one draw of where the random transform moves them, so
    that what corresponded still does. Noise, blur and contrast are drawn for each.

    Args:
        count: Pairs an iteration.
        pairing: ``"separate"``: two images a pair. ``"ring"``: as many images as pairs, each paired
            with the next one (``image_a`` only).
        groups: Group of each unlabeled image; ``None`` for one of all.
        patients: Patient of each unlabeled image; ``None`` for one each.
        paired: Whether each unlabeled image may be paired; ``None`` for all.
        choice: How the group of a draw is chosen: ``"uniform"``, or ``"proportional"`` to its
            images.
        transform: Random transform of an image.

    Raises:
        ValueError: If ``pairing`` is neither of the two.
    """

    number, source = 1, UNLABELED

    def __init__(
        self,
        count: int,
        *,
        pairing: str = "separate",
        groups: Sequence[str] | None = None,
        patients: Sequence[str] | None = None,
        paired: Sequence[bool] | None = None,
        choice: str = "uniform",
        transform: RandomTransform | None = None,
    ) -> None:
        super().__init__(count, transform=transform)
        if pairing not in PAIRINGS:
            raise ValueError(f"pairing must be one of {PAIRINGS}, got '{pairing}'")
        self.ring = pairing == "ring"
        self.keys = ("image_a",) if self.ring else ("image_a", "image_b")
        self.known = {"groups": groups, "patients": patients, "paired": paired, "choice": choice}

    def open(self, data: Sequence[Item]) -> None:
        """Take the unlabeled images.

        Raises:
            InputError: If there are too few of different patients in a group.
        """
        super().open(data)
        known: Sequence[bool] = self.known["paired"] or [True] * len(data)  # type: ignore[assignment]
        if self.ring and not 2 <= self.count <= max(2, sum(known)):
            raise InputError(f"pairs: a ring takes 2 to {sum(known)}, got {self.count}")
        if self.transform is not None:
            self.looks = [
                Seeding(look)
                for look in looks_of(self.transform, torch.as_tensor(data[0]["image"]))
            ]
        needed = self.count if self.ring else 2
        self.sampler = PartnerSampler(len(data), needed=needed, **self.known)  # type: ignore[arg-type]

    def draw(self, random: np.random.Generator, drawn: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``image_a`` and, unless they form a ring, ``image_b``, (B, C, *S) each."""
        if self.ring:
            members = self.sampler.draw(random, self.count)
            seeds = [seed_of(random)] * len(members)
            looks = [seed_of(random) for _ in members]
            read = read_once(self.data, members)
            return {"image_a": self.images(members, read, seeds=seeds, looks=looks)}
        chosen = [self.sampler.draw(random, 2) for _ in range(self.count)]
        seeds = [seed_of(random) for _ in range(self.count)]
        read = read_once(self.data, [k for pair in chosen for k in pair])
        batch = {}
        for k, key in enumerate(self.keys):
            looks = [seed_of(random) for _ in chosen]
            members = [pair[k] for pair in chosen]
            batch[key] = self.images(members, read, seeds=seeds, looks=looks)
        return batch


class Corrupted(Stream):
    """``clean``: the images of ``image_a``; ``corrupted``: what a random change makes of them.

    Args:
        corruption: Random change of an image (C, *S), after everything else.
    """

    number, keys, needs = 2, ("clean", "corrupted"), ("image_a",)

    def __init__(self, corruption: Callable[[Tensor], Tensor]) -> None:
        super().__init__(0)
        self.corruption = corruption

    def draw(self, random: np.random.Generator, drawn: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``clean`` and ``corrupted``, (B, C, *S) each."""
        return corrupted(drawn["image_a"], self.corruption, seed=seed_of(random))


def corrupted(
    images: Tensor, corruption: Callable[[Tensor], Tensor], *, seed: int
) -> dict[str, Tensor]:
    """``clean``: the images (B, C, *S) as they are; ``corrupted``: what the corruption makes."""
    if hasattr(corruption, "set_random_state"):
        corruption.set_random_state(seed=seed)
    return {"clean": images, "corrupted": stacked([corruption(image) for image in images])}
