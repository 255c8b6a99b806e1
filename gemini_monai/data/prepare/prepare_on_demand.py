"""A data set for a configuration: prepared before, or prepared now from its files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.data.dataset_file import is_prepared

NAME = "dataset.json"


def prepared(
    folder: str | Path, destination: str | Path, *, prepare: Callable[[Path, Path], Path]
) -> str:
    """The ``dataset.json`` of a folder, so that a download is trained on by one command.

    Args:
        folder: Has a ``dataset.json`` of ours, or is a download or folder as ``prepare`` reads it.
        destination: Where the ``dataset.json`` of the latter goes, or beside it where that is of
            another folder; used again the next time.
        prepare: Such as ``prepare_chestxray8``.

    Raises:
        InputError: As ``prepare`` does.
    """
    folder, destination = Path(folder), Path(destination)
    if (folder / NAME).is_file() and is_prepared(folder / NAME):
        return str(folder / NAME)
    digest = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:6]
    for target in (destination, destination.with_name(f"{destination.name}_{digest}")):
        if not (target / NAME).is_file():
            return str(prepare(folder, target))
        if _is_of(target / NAME, folder):
            return str(target / NAME)
    raise InputError(f"{destination}: holds other data sets; prepare {folder} by the command")


def _is_of(path: Path, folder: Path) -> bool:
    """Whether a ``dataset.json`` names images of a folder."""
    content = read_json(path, dict)
    entries = [*content.get("unlabeled", []), *content.get("labeled", [])][:1]
    images = [Path(os.path.normpath(path.parent / entry["image"])) for entry in entries]
    return any(image.is_relative_to(folder.absolute()) for image in images)
