"""Single images, with and without labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from gemini_monai.data.slices import SliceDataset
from gemini_monai.data.streams.stream import (
    LABELED,
    UNLABELED,
    Item,
    RandomTransform,
    Stream,
    draw_places,
    read_once,
    seed_of,
    stacked,
)


class Labeled(Stream):
    """``image`` and ``label``: labeled images, different ones as long as there are enough.

    Args:
        count: Images an iteration.
        slices: Draw slices of volumes, for 2-D networks on 3-D data.
        transform: Random transform of image and label.
    """

    number, keys, source = 0, ("image", "label"), LABELED

    def __init__(
        self, count: int, *, slices: bool = False, transform: RandomTransform | None = None
    ) -> None:
        super().__init__(count, transform=transform)
        self.slices = slices

    def open(self, data: Sequence[Item]) -> None:
        """Take the labeled images.

        Raises:
            InputError: If there is none.
        """
        super().open(SliceDataset(data) if self.slices else data)  # type: ignore[arg-type]

    def draw(self, random: np.random.Generator, drawn: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``image`` (B, C, *S) and ``label`` (B, 1 or K, *S)."""
        chosen = draw_places(random, len(self.data), self.count)
        read = read_once(self.data, chosen)
        seeds = [seed_of(random) for _ in chosen]
        items = [
            self.augmented(read[k], seed=seed, keys=self.keys)
            for k, seed in zip(chosen, seeds, strict=True)
        ]
        return {key: stacked([item[key] for item in items]) for key in self.keys}


class Unlabeled(Stream):
    """``unlabeled``: unlabeled images, each by itself."""

    number, keys, source = 3, ("unlabeled",), UNLABELED

    def draw(self, random: np.random.Generator, drawn: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``unlabeled`` (B, C, *S)."""
        chosen = draw_places(random, len(self.data), self.count)
        seeds = [seed_of(random) for _ in chosen]
        return {"unlabeled": self.images(chosen, read_once(self.data, chosen), seeds=seeds)}
