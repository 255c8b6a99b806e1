"""The batch of every training iteration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from gemini_monai.data.pairs import PairSampler
from gemini_monai.errors import InputError

Item: TypeAlias = dict[str, Any]
PAIRINGS = ("separate", "ring")


class IterationDataset(Dataset[dict[str, Tensor]]):
    """Item ``i`` is the whole batch of iteration ``i``, a function of the seed and ``i`` alone.

    So the same images and the same random transforms come whatever the number of workers and
    wherever a stopped run goes on. Labelled and unlabelled draws are independent of each other: an
    arm without pairs sees the same labelled batches. Use with ``DataLoader(batch_size=None)``.

    Args:
        data: Labelled items with ``image`` (C, *S) and ``label``; a cached dataset of the
            deterministic transforms, or a list.
        unlabeled: Unlabelled items with ``image`` (C, *S).
        iterations: Length of the whole training.
        random_transform: Random transform of an item, applied after the cache. The images of a
            pair, or of a ring, share one draw, so that what corresponded still does.
        corruption: Random change of an image (C, *S), after everything else. With it a batch has
            ``clean``, the images of ``image_a``, and ``corrupted``, what it makes of them.
        labeled_images: Labelled images an iteration; 0 for none.
        pairs: Pairs an iteration; 0 for none, and no unlabelled image is read.
        pairing: ``"separate"``: two different images a pair (``image_a`` and ``image_b``).
            ``"ring"``: as many images as pairs, each paired with the next one (``image_a`` only).
        groups: Group of each unlabelled image; pairs stay within one. ``None`` for no groups.
        patients: Patient of each unlabelled image; pairs are of two. ``None`` for one each.
        group_choice: ``"uniform"`` over groups, or ``"proportional"`` to their images.
        seed: Of every draw.
        rank: Of the process in distributed training; each draws its own images.

    Raises:
        InputError: If there are too few images for what is asked.
        ValueError: If ``pairing`` is not one of the two, or there is corruption without pairs.
    """

    def __init__(
        self,
        data: Sequence[Item],
        unlabeled: Sequence[Item],
        *,
        iterations: int,
        random_transform: Callable[[Item], Item] | None = None,
        corruption: Callable[[Tensor], Tensor] | None = None,
        labeled_images: int = 2,
        pairs: int = 1,
        pairing: str = "separate",
        groups: Sequence[str] | None = None,
        patients: Sequence[str] | None = None,
        group_choice: str = "uniform",
        seed: int = 0,
        rank: int = 0,
    ) -> None:
        if corruption is not None and not pairs:
            raise ValueError("corruption changes the images of pairs, but pairs is 0")
        if pairing not in PAIRINGS:
            raise ValueError(f"pairing must be one of {PAIRINGS}, got '{pairing}'")
        if labeled_images and not len(data):
            raise InputError("no labelled image: this method needs one or more in 'labeled'")
        if pairs and pairing == "ring" and not 2 <= pairs <= max(2, len(unlabeled)):
            raise InputError(f"pairs: a ring takes 2 to {len(unlabeled)}, got {pairs}")
        self.data = data
        self.unlabeled = unlabeled
        self.iterations = iterations
        self.random_transform = random_transform
        self.corruption = corruption
        self.labeled_images = labeled_images
        self.pairs = pairs
        self.pairing = pairing
        self.seed = seed
        self.rank = rank
        if pairs:
            self.sampler = PairSampler(
                len(unlabeled),
                groups=groups,
                patients=patients,
                choice=group_choice,
                needed=pairs if pairing == "ring" else 2,
            )

    def __len__(self) -> int:
        return self.iterations

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if not 0 <= index < self.iterations:
            raise IndexError(index)
        batch: dict[str, Tensor] = {}
        if self.labeled_images:
            batch |= self._labeled(np.random.default_rng([self.seed, self.rank, index, 0]))
        if self.pairs:
            batch |= self._pairs(np.random.default_rng([self.seed, self.rank, index, 1]))
        if self.corruption is not None:
            random = np.random.default_rng([self.seed, self.rank, index, 2])
            seed = int(random.integers(2**31))
            batch |= corrupted(batch["image_a"], self.corruption, seed=seed)
        return batch

    def _labeled(self, random: np.random.Generator) -> dict[str, Tensor]:
        chosen = _draw(random, len(self.data), self.labeled_images)
        read = _read_once(self.data, chosen)
        items = [self._augmented(read[k], seed=int(random.integers(2**31))) for k in chosen]
        return {key: _stack([item[key] for item in items]) for key in ("image", "label")}

    def _pairs(self, random: np.random.Generator) -> dict[str, Tensor]:
        if self.pairing == "ring":
            members = self.sampler.draw(random, self.pairs)
            shared = int(random.integers(2**31))
            read = _read_once(self.unlabeled, members)
            return {"image_a": self._images(members, read, seeds=[shared] * len(members))}
        chosen = [self.sampler.draw(random, 2) for _ in range(self.pairs)]
        seeds = [int(random.integers(2**31)) for _ in range(self.pairs)]
        read = _read_once(self.unlabeled, [k for pair in chosen for k in pair])
        return {
            key: self._images([pair[k] for pair in chosen], read, seeds=seeds)
            for k, key in enumerate(("image_a", "image_b"))
        }

    def _images(
        self, chosen: Sequence[int], read: Mapping[int, Item], *, seeds: Sequence[int]
    ) -> Tensor:
        pairs = zip(chosen, seeds, strict=True)
        return _stack([self._augmented(read[k], seed=seed)["image"] for k, seed in pairs])

    def _augmented(self, item: Item, *, seed: int) -> Item:
        item = {key: item[key] for key in ("image", "label") if key in item}
        if self.random_transform is None:
            return item
        if hasattr(self.random_transform, "set_random_state"):
            self.random_transform.set_random_state(seed=seed)
        return self.random_transform(item)


class RemainingIterations(Sampler[int]):
    """Iterations ``start`` to the end in order; ``start`` moves when a stopped run goes on."""

    def __init__(self, iterations: int, *, start: int = 0) -> None:
        self.iterations = iterations
        self.start = start

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.iterations))

    def __len__(self) -> int:
        return self.iterations - self.start


def corrupted(
    images: Tensor, corruption: Callable[[Tensor], Tensor], *, seed: int
) -> dict[str, Tensor]:
    """``clean``: the images (B, C, *S) as they are; ``corrupted``: what the corruption makes."""
    if hasattr(corruption, "set_random_state"):
        corruption.set_random_state(seed=seed)
    return {"clean": images, "corrupted": _stack([corruption(image) for image in images])}


def _read_once(data: Sequence[Item], chosen: Sequence[int]) -> dict[int, Item]:
    """The chosen items by place; one that is chosen twice is decoded once."""
    return {k: data[k] for k in dict.fromkeys(chosen)}


def _draw(random: np.random.Generator, total: int, count: int) -> list[int]:
    """``count`` of ``total`` without repetition, or with when there are not enough."""
    chosen: list[int] = []
    while len(chosen) < count:
        chosen.extend(random.permutation(total).tolist())
    return chosen[:count]


def _stack(images: Sequence[Tensor]) -> Tensor:
    shapes = {tuple(image.shape) for image in images}
    if len(shapes) > 1:
        raise InputError(
            f"images of one batch differ in shape {sorted(shapes)}: the transforms must bring "
            "every image to one size"
        )
    plain = [image.as_tensor() if isinstance(image, MetaTensor) else image for image in images]
    return torch.stack([torch.as_tensor(image) for image in plain])
