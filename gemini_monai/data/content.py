"""What files hold: a record of each as it was prepared, and whether it still is so.

A record is the size in bytes, the time of the last change in seconds, and the SHA-256 of a file.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from gemini_monai.base.errors import InputError
from gemini_monai.images.parts import parts_of

SMALL = 2**30
"""Bytes of a data set up to which every file is hashed, whatever its size and time say."""
BLOCK = 2**20
"""Bytes that are read at once."""


class Change(NamedTuple):
    """A file that is not as it was recorded."""

    source: str
    """The file or folder that an entry names."""
    file: str
    what: str
    """In words."""


class Content(NamedTuple):
    """What is there."""

    digests: dict[str, str]
    """SHA-256 of what each file or folder that an entry names holds."""
    changes: list[Change]
    unrecorded: list[str]
    """Files of which nobody knows what they were."""


def recorded(sources: Iterable[str]) -> dict[str, str]:
    """The record of every file that images and labels are made of, by its path.

    Args:
        sources: Absolute paths of files and folders.

    Raises:
        InputError: If one cannot be read.
    """
    files = sorted({str(file) for source in sources for file in parts_of(source)})
    return {file: f"{_state(file)} {digest}" for file, digest in hashes(files).items()}


def compared(sources: Iterable[str], records: Mapping[str, str]) -> Content:
    """What files hold, and which are not as recorded: by size and time, where these differ by hash.

    Args:
        sources: Absolute paths of files and folders.
        records: Of their files by path.

    Raises:
        InputError: If one cannot be read.
    """
    parts = {source: [str(file) for file in parts_of(source)] for source in dict.fromkeys(sources)}
    states = {file: _state(file) for own in parts.values() for file in own}
    is_small = sum(_size(state) for state in states.values()) <= SMALL
    before = {file: record.rpartition(" ") for file, record in records.items()}
    digests = {file: own[2] for file, own in before.items() if file in states}
    doubted = [f for f in states if is_small or f not in before or before[f][0] != states[f]]
    digests |= hashes([file for file in doubted if states[file]])
    changes = list(_changes(parts, states, digests, records))
    new = {change.file for change in changes}
    return Content(
        digests=_by_source(parts, digests),
        changes=changes,
        unrecorded=[file for file in states if file not in records and file not in new],
    )


def digests_of(sources: Iterable[str], records: Mapping[str, str]) -> dict[str, str]:
    """SHA-256 of what each file or folder holds, by the records of its files.

    Raises:
        InputError: If a folder cannot be read.
    """
    parts = {source: [str(file) for file in parts_of(source)] for source in sources}
    return _by_source(parts, {file: record.split()[-1] for file, record in records.items()})


def _by_source(parts: Mapping[str, Sequence[str]], digests: Mapping[str, str]) -> dict[str, str]:
    return {
        source: _of_all(digests[file] for file in own if file in digests)
        for source, own in parts.items()
    }


def _changes(
    parts: Mapping[str, Sequence[str]],
    states: Mapping[str, str],
    digests: Mapping[str, str],
    records: Mapping[str, str],
) -> Iterator[Change]:
    """Files with another hash than recorded, that are gone, or new beside others of a folder."""
    inside = defaultdict(set)
    for file in records:
        inside[str(Path(file).parent)].add(file)
    for source, own in parts.items():
        beside = inside.get(source, set())
        for file in sorted({*own, *beside}):
            state, _, digest = records.get(file, "").rpartition(" ")
            if state and not states.get(file):
                yield Change(source, file, "is gone")
            elif state and digests[file] != digest:
                yield Change(source, file, _difference(state, states[file]))
            elif not state and beside:
                yield Change(source, file, "is new")


def _difference(before: str, now: str) -> str:
    sizes = _size(before), _size(now)
    if sizes[0] == sizes[1]:
        return f"holds something else in the same {sizes[0]:,} bytes"
    return f"holds something else, {sizes[1]:,} bytes instead of {sizes[0]:,}"


def _state(file: str) -> str:
    """Size and time of a file; empty if there is none."""
    try:
        stat = Path(file).stat()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror or error}") from error
    seconds, nanoseconds = divmod(stat.st_mtime_ns, 10**9)
    return f"{stat.st_size} {seconds}.{nanoseconds:09d}"


def _size(state: str) -> int:
    return int(state.split()[0]) if state else 0


def _of_all(digests: Iterable[str]) -> str:
    """One digest of several, whatever the files are called; of a single file, its own."""
    found = sorted(digests)
    return found[0] if len(found) == 1 else hashlib.sha256("".join(found).encode()).hexdigest()


def hashes(files: Sequence[str]) -> dict[str, str]:
    """SHA-256 of files by path, several at a time; a bar shows how far it is where that takes long.

    Raises:
        InputError: If a file cannot be read.
    """
    size = sum(_size(_state(file)) for file in files)
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as threads:
        found = tqdm(
            threads.map(sha256, files),
            desc="hash",
            total=len(files),
            disable=size <= SMALL,
            leave=False,
        )
        return dict(zip(files, found, strict=True))


def sha256(file: str | Path) -> str:
    """SHA-256 of a file.

    Raises:
        InputError: If it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with Path(file).open("rb") as content:
            while block := content.read(BLOCK):
                digest.update(block)
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror or error}") from error
    return digest.hexdigest()
