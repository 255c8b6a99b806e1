"""What a training reads: the images of a cohort, as a batch for every iteration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from monai.transforms.compose import Compose
from torch import Tensor
from torch.utils.data import DataLoader

from gemini_monai.base.errors import InputError
from gemini_monai.data.cohort import Cohort
from gemini_monai.data.iterations import IterationDataset, RemainingIterations
from gemini_monai.data.streams.named import named_streams
from gemini_monai.data.streams.stream import RandomTransform

REGISTERED = {"image_a", "image_b", "partner"}
"""Keys of a batch whose images are registered."""


def training_dataset(
    cohort: Cohort,
    *,
    transform: Callable[..., Any],
    random_transforms: RandomTransform | Sequence[RandomTransform] | None = None,
    view_transforms: RandomTransform | Sequence[RandomTransform] | None = None,
    crop: RandomTransform | None = None,
    reads: Collection[str],
    iterations: int,
    labeled_cases: int | None = None,
    labeled_draw: int | None = None,
    corruption: Callable[[Tensor], Tensor] | None = None,
    cache_rate: float = 1.0,
    cache_dir: str | Path | None = None,
    seed: int = 0,
    rank: int | None = None,
    device: torch.device | str = "cpu",
    **batch: Any,
) -> IterationDataset:
    """The batch of every iteration, of labeled and unlabeled images.

    Args:
        cohort: Whose images; no label of an unlabeled one is read.
        transform: Deterministic transforms of an item, done once.
        random_transforms: Random transform of an item, or several in their order, drawn anew each
            time it is used.
        view_transforms: That of the two views of an image; ``None`` for the same.
        crop: Goes before both, where images are larger than the network's size.
        reads: Keys of the batch that objectives need; nothing else is made.
        iterations: Length of the whole training.
        labeled_cases: How many of the labeled images; ``None`` for all.
        labeled_draw: Seed of that choice, 0 or more; ``None`` for ``seed``.
        corruption: What restoration undoes; ``None`` for nothing.
        cache_rate: As of ``IterationDataset``.
        cache_dir: As of ``IterationDataset``.
        seed: Seed of every draw, 0 or more.
        rank: Rank of the process in distributed training; ``None`` for that of this one.
        device: Where random transforms are computed.
        batch: How many images of which kind a batch has, as of ``named_streams``.

    Raises:
        InputError: If a random transform is none, images are cropped at random that an objective
            registers, or as ``IterationDataset``.
    """
    if crop is not None and not REGISTERED.isdisjoint(reads):
        raise InputError(
            "key 'crops': random crops of two images show different parts of a body, and this "
            "method registers images; give --crops center"
        )
    draw = seed if labeled_draw is None else labeled_draw
    streams = named_streams(
        cohort,
        transform=_cropped(crop, _composed(random_transforms, "random_transforms")),
        view_transform=_cropped(crop, _composed(view_transforms, "view_transforms")),
        corruption=corruption,
        **batch,
    )
    return IterationDataset(
        [*cohort.few(labeled_cases, seed=draw), *cohort.unlabeled],
        streams,
        iterations=iterations,
        reads=reads,
        transform=transform,
        cache_rate=cache_rate,
        cache_dir=cache_dir,
        seed=seed,
        rank=_rank() if rank is None else rank,
        device=device,
    )


def _composed(
    given: RandomTransform | Sequence[RandomTransform] | None, name: str
) -> RandomTransform | None:
    for part in given if isinstance(given, (list, tuple)) else [given]:
        if part is not None and not callable(part):
            raise InputError(f"{name}: expected transforms, got {part!r}")
    return Compose(list(given)) if isinstance(given, (list, tuple)) else given  # type: ignore


def _cropped(
    crop: RandomTransform | None, transform: RandomTransform | None
) -> RandomTransform | None:
    if crop is None or transform is None:
        return crop or transform
    return Compose([crop, transform])


def _rank() -> int:
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


class IterationLoader(DataLoader[dict[str, Tensor]]):
    """PyTorch's ``DataLoader`` of whole batches in their order, from where a stopped run goes on.

    Args:
        dataset: Item ``i`` is the batch of iteration ``i``.
        options: Further arguments of ``DataLoader``, such as ``num_workers``.
    """

    def __init__(self, dataset: IterationDataset, **options: Any) -> None:
        remaining = RemainingIterations(len(dataset))
        super().__init__(dataset, batch_size=None, sampler=remaining, **options)
