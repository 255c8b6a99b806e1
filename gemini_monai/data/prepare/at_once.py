"""A data set for a configuration: prepared before, or prepared now from its files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gemini_monai.data.dataset import read_dataset

NAME = "dataset.json"


def prepared(
    folder: str | Path, destination: str | Path, *, prepare: Callable[[Path, Path], Path]
) -> str:
    """The ``dataset.json`` of a folder, so that a download is trained on by one command.

    Args:
        folder: Has a ``dataset.json`` of ours, or is a download or folder as ``prepare`` reads it.
        destination: Where the ``dataset.json`` of the latter goes; used again the next time if it
            is of this folder.
        prepare: Such as ``prepare_chestxray8``.

    Raises:
        InputError: As ``prepare`` does.
    """
    folder, destination = Path(folder), Path(destination)
    for place in (folder, destination):
        if (place / NAME).is_file() and (place == folder or _is_of(place / NAME, folder)):
            return str(place / NAME)
    return str(prepare(folder, destination))


def _is_of(path: Path, folder: Path) -> bool:
    """Whether a ``dataset.json`` names images of a folder."""
    dataset = read_dataset(path)
    entries = [*dataset.unlabeled, *dataset.labeled]
    return any(Path(entry["image"]).is_relative_to(folder.absolute()) for entry in entries[:1])
