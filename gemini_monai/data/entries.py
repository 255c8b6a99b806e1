"""Paths in an entry of a ``dataset.json``: which there are, and from where they are counted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gemini_monai.data.checks import FILE_KEYS

HAS_LABEL = "has_label"
"""Key of an unlabeled entry whose case has a label file that the split does not use."""


def has_label(entry: Mapping[str, Any]) -> bool:
    """Whether there is a label file of an unlabeled entry, which is not its own to read.

    No where ``prepare`` did not note it, as early versions did not.
    """
    return bool(entry.get(HAS_LABEL, False))


def sources_of(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys and the files or folders that they name, several of which may have one key."""
    for key in FILE_KEYS:
        value = entry.get(key, [])
        for source in value if isinstance(value, (list, tuple)) else [value]:
            yield key, str(source)


def absolute(entry: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The entry with paths from a folder made absolute."""
    return _with_paths(entry, lambda file: os.path.normpath(folder / file))


def relative(entry: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The entry with paths as they are from a folder."""
    return _with_paths(entry, lambda file: path_from(folder, file))


def path_from(folder: Path, file: str | Path) -> str:
    """A path as it is written in a folder's file: with ``/`` on every system.

    Args:
        folder: From where it counts.
        file: Absolute, or from that folder; on another drive of Windows it stays absolute.
    """
    whole = folder / file
    try:
        return Path(os.path.relpath(whole, folder)).as_posix()
    except ValueError:
        return whole.as_posix()


def _with_paths(entry: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    changed = dict(entry)
    for key in FILE_KEYS:
        if isinstance(entry.get(key), (list, tuple)):
            changed[key] = [change(file) for file in entry[key]]
        elif isinstance(entry.get(key), (str, Path)):
            changed[key] = change(entry[key])
    return changed
