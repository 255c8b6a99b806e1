"""Results of the deterministic transforms, kept in memory or on disk."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Hashable, Mapping, Sequence
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import monai
import torch
from monai.data.dataset import CacheDataset, PersistentDataset
from monai.data.meta_tensor import MetaTensor
from monai.transforms.compose import Compose
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import write_tensors
from gemini_monai.base.fingerprint import describe
from gemini_monai.base.memory import GIB, refuse_too_many_bytes
from gemini_monai.data.checks import FILE_KEYS

Item: TypeAlias = dict[Hashable, Any]
VERSION = 2  # raise when the same transforms give other results
MAKER = "gemini_monai cache"
"""Says in a file that it is of a cache of ours."""


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
            it is first read, and again when a file of its or a transform has changed. They come
            back bit by bit, so a training is the same with a folder and without. ``None`` for
            memory.

    Raises:
        InputError: If an item cannot be read, ``cache_dir`` is no folder or holds a file of another
            maker in an item's place, or its disk, or memory without it, cannot hold all.
    """
    if transform is None:
        return data
    if cache_dir is None:
        return MemoryCache(data, transform, cache_rate=cache_rate, num_workers=2, progress=False)
    dataset = DiskCache(data, transform, cache_dir=cache_dir)
    dataset.refuse_too_large()
    return dataset


class MemoryCache(CacheDataset):
    """MONAI's ``CacheDataset`` that stops at its first item where memory cannot hold all."""

    def _load_cache_item(self, idx: int) -> Any:
        item = super()._load_cache_item(idx)
        if idx == 0:
            each = sum(v.numel() * v.element_size() for v in item.values() if isinstance(v, Tensor))
            processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
            by = f" in each of {processes} processes" if processes > 1 else ""
            refuse_too_many_bytes(
                each * self.cache_num * processes,
                what=f"{self.cache_num} prepared images in memory{by}",
                change="give --cache_dir FOLDER, or a smaller --cache_rate",
            )
        return item


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
        _refuse_no_folder(Path(cache_dir))
        super().__init__(
            data=data,
            # Flat: MONAI takes a Compose inside another for a random transform and stores nothing.
            transform=Compose([transform]).flatten(),
            cache_dir=cache_dir,
            hash_func=item_key,
            hash_transform=transform_key,
            track_meta=True,
        )

    def _cachecheck(self, item: Mapping[str, Any]) -> Item:
        path = self.file(item)
        try:
            content = torch.load(path, weights_only=True)
        except Exception as error:
            # Not there yet, or damaged, as by a disk that was full.
            if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
                raise
            return self._stored(item, path)
        if not isinstance(content, dict) or content.get("maker") != _maker(path):
            raise InputError(
                f"{path}: is there, but was not written by this cache; remove it, or give another "
                "--cache_dir"
            )
        stored: Item = content["item"]
        return stored

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
        computed = {
            key: _with_affine_only(value)
            for key, value in self._pre_transform(deepcopy(dict(item))).items()
        }
        # Whole, also when two workers compute one item.
        write_tensors(path, {"maker": _maker(path), "item": computed})
        return computed


def _refuse_no_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"key 'cache_dir': {path}: cannot be a folder: {error.strerror}; give another"
        ) from error


def _maker(path: Path) -> str:
    """What a file says of itself; the name of its item is in it, so no other is taken for it."""
    return f"{MAKER} {path.stem}"


def _with_affine_only(value: Any) -> Any:
    """Without an image's other metadata, which PyTorch does not read from a file of others."""
    if isinstance(value, MetaTensor):
        return MetaTensor(value.as_tensor(), affine=value.affine)
    return value


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
