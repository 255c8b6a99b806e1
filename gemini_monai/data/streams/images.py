"""Single images, or slices of volumes, with and without labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from gemini_monai.base.errors import InputError
from gemini_monai.data.streams.augmentation import refuse_image_alone
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


class SliceDataset(Dataset[dict[str, Any]]):
    """Item ``i`` is one slice of one volume, across the last axis; all slices of all volumes.

    What the paper fine-tunes 2-D networks on for KiPA22 and CANDI. Prediction slice by slice is
    MONAI's ``SliceInferer(spatial_dim=2)``.

    Args:
        volumes: Items with ``image`` (C, X, Y, Z) and, for some uses, ``label``.
        keys: What is sliced; other keys are left out.
    """

    def __init__(
        self, volumes: Sequence[Mapping[str, Any]], *, keys: Sequence[str] = ("image", "label")
    ) -> None:
        self.volumes = volumes
        self.keys = tuple(keys)
        depths = [volumes[number]["image"].shape[-1] for number in range(len(volumes))]
        self.places = [(number, z) for number, depth in enumerate(depths) for z in range(depth)]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> dict[str, Any]:
        number, z = self.places[index]
        volume = self.volumes[number]
        return {key: volume[key][..., z] for key in self.keys if key in volume}


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
            InputError: If there is none, or the transform does not move a label with its image.
        """
        super().open(SliceDataset(data) if self.slices else data)  # type: ignore[arg-type]
        if self.transform is not None:
            refuse_image_alone(self.transform, self.data[0])

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
        return {"unlabeled": self.drawn_of(range(len(self.data)), random)}

    def drawn_of(self, places: Sequence[int], random: np.random.Generator) -> Tensor:
        """Some of the images in these places, each after a random transform, (B, C, *S)."""
        chosen = [places[k] for k in draw_places(random, len(places), self.count)]
        seeds = [seed_of(random) for _ in chosen]
        return self.images(chosen, read_once(self.data, chosen), seeds=seeds)


class Partners(Unlabeled):
    """``partner``: unlabeled images that labeled ones may be registered with.

    Where all may be, they are those of ``unlabeled``.

    Args:
        count: Images an iteration.
        paired: Whether each unlabeled image may be paired; ``None`` for all.
        transform: Random transform of an image.
    """

    keys = ("partner",)

    def __init__(
        self,
        count: int,
        *,
        paired: Sequence[bool] | None = None,
        transform: RandomTransform | None = None,
    ) -> None:
        super().__init__(count, transform=transform)
        self.paired = paired

    def open(self, data: Sequence[Item]) -> None:
        """Take the unlabeled images.

        Raises:
            InputError: If none may be paired.
        """
        super().open(data)
        paired = self.paired or [True] * len(data)
        self.places = [k for k, known in enumerate(paired) if known]
        if not self.places:
            raise InputError(
                "no unlabeled image may be paired, and this method registers labeled images with "
                'them: every entry has "paired": false'
            )

    def draw(self, random: np.random.Generator, drawn: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``partner`` (B, C, *S)."""
        return {"partner": self.drawn_of(self.places, random)}
