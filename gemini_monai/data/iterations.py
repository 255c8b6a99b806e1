"""The batch of every training iteration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from gemini_monai.base.errors import InputError
from gemini_monai.data.cache import cached
from gemini_monai.data.streams.stream import LABELED, UNLABELED, Item, Stream, stacked


class IterationDataset(Dataset[dict[str, Tensor]]):
    """Item ``i`` is the whole batch of iteration ``i``, a function of the seed and ``i`` alone.

    So the same images and the same random transforms come whatever the number of workers and
    wherever a stopped run goes on. Use with ``DataLoader(batch_size=None)``.

    Args:
        data: Items with ``image``, files or arrays; those with ``label`` are the labeled ones.
        streams: What a batch can be made of, by name, each after those that it needs.
        iterations: Length of the whole training.
        reads: Keys of the batch that are needed; a stream that gives none of them is not drawn,
            and images that no stream draws from are not read. ``None`` for every stream.
        transform: Deterministic transforms of an item, done once; ``None`` where items are arrays.
        cache_rate: Share of the items that is kept in memory.
        cache_dir: Folder that keeps items instead; ``None`` for memory.
        seed: Seed of every draw, 0 or more.
        device: Where images are from then on, and random transforms are computed; a GPU only where
            nothing else loads, so without worker processes.
        rank: Rank of the process in distributed training, 0 for one alone; each draws its own
            images.

    Raises:
        InputError: If no stream gives what is needed, or there are too few images.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        streams: Mapping[str, Stream],
        *,
        iterations: int,
        reads: Collection[str] | None = None,
        transform: Callable[..., Any] | None = None,
        cache_rate: float = 1.0,
        cache_dir: str | Path | None = None,
        seed: int = 0,
        rank: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        self.data = data
        self.iterations = iterations
        self.seed = seed
        self.rank = rank
        self.streams = _needed(streams, reads)
        self.items: dict[str, Sequence[Item]] = {}
        entries = {
            LABELED: [item for item in data if "label" in item],
            UNLABELED: [item for item in data if "label" not in item],
        }
        for source in dict.fromkeys(stream.source for stream in self.streams if stream.source):
            items = cached(entries[source], transform, cache_rate=cache_rate, cache_dir=cache_dir)
            self.items[source] = items if torch.device(device).type == "cpu" else _On(items, device)
        for stream in self.streams:
            stream.open(self.items[stream.source] if stream.source else [])

    def __len__(self) -> int:
        return self.iterations

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if not 0 <= index < self.iterations:
            raise IndexError(index)
        batch: dict[str, Tensor] = {}
        for stream in self.streams:
            random = np.random.default_rng([self.seed, self.rank, index, stream.number])
            batch |= stream.draw(random, batch)
        return batch

    def first_images(self, count: int) -> Tensor:
        """Unlabeled images that could form a ring, before any random transform, (B, C, *S).

        They are the first ones of different patients, of the group that has the most of them; of
        one patient, who is paired with nobody, and where no image may be paired, the first images.

        Args:
            count: At most.

        Raises:
            InputError: If no stream draws from unlabeled images.
        """
        items = self.items.get(UNLABELED)
        if not items:
            raise InputError("no unlabeled image is drawn by these objectives")
        entries = [entry for entry in self.data if "label" not in entry]
        known = dict(enumerate(entries))
        paired = {k: entry for k, entry in known.items() if entry.get("paired", True)} or known
        groups: dict[str, dict[str, int]] = {}
        for k, entry in paired.items():
            own = groups.setdefault(str(entry.get("group", "")), {})
            own.setdefault(str(entry.get("patient", k)), k)
        chosen = list(max(groups.values(), key=len).values())
        chosen = chosen if len(chosen) > 1 else list(paired)
        return stacked([items[k]["image"] for k in chosen[:count]])


class _On(Sequence[Item]):
    """Items whose tensors are copied to a device when they are read."""

    def __init__(self, items: Sequence[Item], device: torch.device | str) -> None:
        self.items = items
        self.device = device

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: Any) -> Any:
        return {
            key: value.to(self.device) if isinstance(value, Tensor) else value
            for key, value in self.items[index].items()
        }


class RemainingIterations(Sampler[int]):
    """Iterations ``start`` to the end in order; ``start`` moves when a stopped run goes on."""

    def __init__(self, iterations: int, *, start: int = 0) -> None:
        self.iterations = iterations
        self.start = start

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.iterations))

    def __len__(self) -> int:
        return self.iterations - self.start


def _needed(streams: Mapping[str, Stream], reads: Collection[str] | None) -> list[Stream]:
    """Streams that give what is read, and those that they need, in their order."""
    given = [key for stream in streams.values() for key in stream.keys]
    wanted = set(given if reads is None else reads)
    for key in sorted(wanted):
        if given.count(key) != 1:
            raise InputError(
                f"batch: '{key}' is read, but {given.count(key)} streams give it; those of "
                f"{', '.join(streams)} give {', '.join(given)}"
            )
    chosen: list[Stream] = []
    for stream in reversed(list(streams.values())):
        if wanted & set(stream.keys):
            chosen.insert(0, stream)
            wanted |= set(stream.needs)
    return chosen
