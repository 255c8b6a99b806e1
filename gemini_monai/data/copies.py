"""An image that is there twice, by a link or a copy, before anything is learned from it.

A few bytes tell most files apart: how large they are unpacked, the checksum that gzip keeps, a
piece of the middle. Those that are alike in these are read as a whole.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.data.content import BLOCK
from gemini_monai.data.entries import sources_of
from gemini_monai.images.parts import parts_of

PIECE = 4096
"""Bytes of the middle of a file."""
TRAILER = 8
"""Bytes at the end of a gzip file: CRC-32 and size of what is in it, 4 each, lowest first."""
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)
Key = Callable[[Path], Hashable]


def refuse_copies(
    splits: Mapping[str, Iterable[Mapping[str, Any]]],
    *,
    where: str,
    digests: Mapping[str, str] | None = None,
) -> None:
    """Stop at two entries whose images are one file, or files that hold the same, packed or not.

    The same values in files of other kinds are not seen here; ``prepare`` compares values.

    Args:
        splits: Entries with absolute paths, by the part of the data set that they are in.
        where: The ``dataset.json``, for the message.
        digests: Hash of every image by its path, where it is known.

    Raises:
        InputError: Naming both.
    """
    images: dict[str, tuple[str, ...]] = {}
    for split, entries in splits.items():
        for entry in entries:
            files = tuple(source for key, source in sources_of(entry) if key == "image")
            images[f"'{entry['case']}' of '{split}' ({', '.join(files)})"] = files
    if digests is None:
        groups = same_images(images)
    else:
        known = digests
        groups = _alike(images, lambda name: tuple(known[file] for file in images[name]))
    for first, second, *_ in groups:
        raise InputError(f"{where}: the images of {first} and {second} hold the same; remove one")


def same_images(images: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Groups of images whose files hold the same, packed or not.

    Args:
        images: Files and folders of each by its name.
    """
    parts = {name: [p for file in own for p in parts_of(file)] for name, own in images.items()}

    def by(key: Key) -> Callable[[str], Hashable]:
        return lambda name: tuple(sorted(map(str, map(key, parts[name]))))

    for group in _alike(images, by(_size)):
        packed = any(_is_packed(file) for name in group for file in parts[name])
        for nearer in _alike(group, by(_checksum if packed else _piece)):
            yield from _alike(nearer, by(_content))


def _alike(names: Iterable[str], key: Callable[[str], Hashable]) -> Iterator[list[str]]:
    """Those that share a key with another."""
    groups = defaultdict(list)
    for name in names:
        groups[key(name)].append(name)
    return (group for group in groups.values() if len(group) > 1)


def _is_packed(file: Path) -> bool:
    return file.name.lower().endswith(".gz")


def _size(file: Path) -> int:
    """Bytes when unpacked, without what is beyond 32 bits."""
    if not file.exists():
        return 0
    size = file.stat().st_size
    if _is_packed(file) and size >= TRAILER:
        return int.from_bytes(_bytes(file, size - 4, 4), "little")
    return size % 2**32


def _checksum(file: Path) -> int:
    """CRC-32 of what a file holds when unpacked; -1 where it is damaged."""
    size = file.stat().st_size
    if _is_packed(file) and size >= TRAILER:
        return int.from_bytes(_bytes(file, size - TRAILER, 4), "little")
    found = 0
    try:
        for block in _blocks(file):
            found = zlib.crc32(block, found)
    except DAMAGED:
        return -1
    return found


def _piece(file: Path) -> bytes:
    return _bytes(file, max(0, file.stat().st_size - PIECE) // 2, PIECE)


def _content(file: Path) -> str:
    """SHA-256 of what a file holds when unpacked; a damaged one is like no other."""
    digest = hashlib.sha256()
    try:
        for block in _blocks(file):
            digest.update(block)
    except DAMAGED:
        return str(file)
    return digest.hexdigest()


def _blocks(file: Path) -> Iterator[bytes]:
    with gzip.open(file) if _is_packed(file) else file.open("rb") as content:
        while block := content.read(BLOCK):
            yield block


def _bytes(file: Path, start: int, count: int) -> bytes:
    with file.open("rb") as content:
        content.seek(start)
        return content.read(count)
