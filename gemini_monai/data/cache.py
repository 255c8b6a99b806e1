"""Results of the deterministic transforms, kept in memory or on disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Hashable, Mapping, Sequence
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TypeAlias

import monai
import torch
from monai.data.dataset import CacheDataset, PersistentDataset
from monai.data.meta_tensor import MetaTensor
from monai.transforms.compose import Compose
from monai.transforms.transform import Transform
from torch import Tensor

from gemini_monai.data.checks import FILE_KEYS
from gemini_monai.describe import describe
from gemini_monai.errors import InputError
from gemini_monai.files import write_tensors

Item: TypeAlias = dict[Hashable, Any]
VERSION = 1  # raise when the same transforms give other results
HALF_ERROR = 1 / 2048  # of an image's range, that storing in half precision may change it by
GIB = 2**30


def cached(
    data: Sequence[Mapping[str, Any]],
    transform: Callable[..., Any] | None,
    *,
    cache_rate: float = 1.0,
    cache_dir: str | Path | None = None,
) -> Sequence[Any]:
    """Items after deterministic transforms, computed once.

    Args:
        data: Items with files.
        transform: What is done with them, all of it deterministic; ``None`` for items as they are.
        cache_rate: Share of the items that is kept in memory, from the start of a run to its end.
        cache_dir: Folder that keeps items instead, from one run to the next: each is computed when
            it is first read, and again when a file of its or a transform has changed. Images are
            stored in half precision where that changes them by at most ``HALF_ERROR``, and read
            as float32. ``None`` for memory.

    Raises:
        InputError: If an item cannot be read, or the folder's disk cannot hold all.
    """
    if transform is None:
        return data
    if cache_dir is None:
        return CacheDataset(data, transform, cache_rate=cache_rate, num_workers=2, progress=False)
    dataset = DiskCache(data, transform, cache_dir=cache_dir)
    dataset.refuse_too_large()
    return dataset


class DiskCache(PersistentDataset):
    """MONAI's ``PersistentDataset`` that finds again what it stored, and survives a kill.

    MONAI's own, with ``track_meta``, cannot load the metadata of an image file and computes every
    item anew, and a killed run may leave half a file that stops the next.

    Args:
        data: Items with files.
        transform: Deterministic.
        cache_dir: Folder of one ``.pt`` file an item.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        transform: Callable[..., Any],
        *,
        cache_dir: str | Path,
    ) -> None:
        super().__init__(
            data=data,
            # Flat: MONAI takes a Compose inside another for a random transform and stores nothing.
            transform=Compose([transform, StoredPrecision()]).flatten(),
            cache_dir=cache_dir,
            hash_func=item_key,
            hash_transform=transform_key,
            track_meta=True,
        )

    def _cachecheck(self, item: Mapping[str, Any]) -> Item:
        path = self.file(item)
        try:
            stored = torch.load(path, weights_only=True)
        except (FileNotFoundError, RuntimeError, UnpicklingError, EOFError):
            # Not there yet, or damaged, as by a disk that was full.
            stored = self._stored(item, path)
        return {key: _single(value) for key, value in stored.items()}

    def file(self, item: Mapping[str, Any]) -> Path:
        """Where an item is or will be."""
        return Path(self.cache_dir) / f"{item_key(item).decode()}{self.transform_hash}.pt"

    def refuse_too_large(self) -> None:
        """Print how much room the items need, by the first one's size.

        Raises:
            InputError: If the disk has less.
        """
        if not len(self.data):
            return
        self[0]
        each = self.file(self.data[0]).stat().st_size
        missing = sum(not self.file(item).is_file() for item in self.data)
        needed, free = missing * each, shutil.disk_usage(self.cache_dir).free
        room = f"{needed / GIB:.2f} GiB for {missing} of {len(self.data)} items to come"
        if needed > free:
            raise InputError(
                f"{self.cache_dir}: the cache needs {room}, the disk has {free / GIB:.2f} GiB "
                "free; give --cache_dir on another disk, or --cache_dir None"
            )
        print(f"cache {self.cache_dir}: {room}, {free / GIB:.2f} GiB free")

    def _stored(self, item: Mapping[str, Any], path: Path) -> Item:
        computed: Item = self._pre_transform(deepcopy(dict(item)))
        write_tensors(path, computed)  # whole, also when two workers compute one item
        return computed


class StoredPrecision(Transform):
    """Tensors in half precision where that is exact enough, with their affine only."""

    def __call__(self, item: Mapping[Hashable, Any]) -> Item:
        """The item, to be stored."""
        return {
            key: _half(value) if isinstance(value, Tensor) else value for key, value in item.items()
        }


def _half(image: Tensor) -> Tensor:
    values = image.as_tensor() if isinstance(image, MetaTensor) else image
    if values.is_floating_point():
        half = values.half()
        allowed = HALF_ERROR * (values.max() - values.min())
        values = half if (half.float() - values).abs().max() <= allowed else values
    return MetaTensor(values, affine=image.affine) if isinstance(image, MetaTensor) else values


def _single(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) and value.is_floating_point() else value


def item_key(item: Mapping[str, Any]) -> bytes:
    """Hash of an item, and of the time and size of its files."""
    stats = []
    for key in FILE_KEYS:
        files = item.get(key, [])
        for file in [files] if isinstance(files, (str, Path)) else files:
            path = Path(file)
            stat = path.stat() if path.exists() else None
            stats.append([str(file), stat and stat.st_mtime_ns, stat and stat.st_size])
    return _hash([item, stats])


def transform_key(transforms: Sequence[Any]) -> bytes:
    """Hash of what transforms are and how they are set, and of the versions of their code."""
    return _hash([VERSION, monai.__version__, transforms])


def _hash(value: Any) -> bytes:
    text = json.dumps(describe(value), sort_keys=True)
    return sha256(text.encode()).hexdigest()[:32].encode()
