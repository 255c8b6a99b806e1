"""Unlabeled images twice: as they look, and as a random transform makes them look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from gemini_monai.data.streams.augmentation import looks_of, places_alone
from gemini_monai.data.streams.seeding import Seeding
from gemini_monai.data.streams.stream import (
    UNLABELED,
    Item,
    Stream,
    draw_places,
    read_once,
    seed_of,
)


class Looks(Stream):
    """``plain`` and ``changed``: unlabeled images, moved by one draw of the random transform.

    ``changed`` has its noise, blur and contrast too. What is where is the same in both, so that
    what is found in one can be asked of the other (FixMatch, Sohn et al., NeurIPS 2020).
    """

    number, keys, source = 5, ("plain", "changed"), UNLABELED

    def open(self, data: Sequence[Item]) -> None:
        """Take the unlabeled images.

        Raises:
            InputError: If there is none.
        """
        super().open(data)
        if self.transform is not None:
            image = torch.as_tensor(data[0]["image"])
            self.looks = [Seeding(look) for look in looks_of(self.transform, image)]
            self.moved = Stream(self.count, transform=places_alone(self.transform, image))

    def draw(self, random: np.random.Generator, drawn: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``plain`` and ``changed``, (B, C, *S) each."""
        chosen = draw_places(random, len(self.data), self.count)
        seeds = [seed_of(random) for _ in chosen]
        looks = [seed_of(random) for _ in chosen]
        read = read_once(self.data, chosen)
        changed = self.images(chosen, read, seeds=seeds, looks=looks)
        if not self.looks:
            return {"plain": changed, "changed": changed}
        return {"plain": self.moved.images(chosen, read, seeds=seeds), "changed": changed}
