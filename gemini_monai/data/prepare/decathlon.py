"""A task of the Medical Segmentation Decathlon, in its own layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gemini_monai.data.prepare.scan import case_of
from gemini_monai.data.prepare.source import Source, prepare_source
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.errors import InputError


def prepare_decathlon(
    source: str | Path, destination: str | Path, *, wanted: Wanted | None = None
) -> Path:
    """Write ``destination/dataset.json`` for a Decathlon tree.

    Its ``training`` cases are divided; its own ``test`` images, which have no labels, join the
    unlabelled ones where the files are there.

    Args:
        source: Folder with the task's ``dataset.json``; never changed.
        destination: Where ours goes.
        wanted: The split.

    Raises:
        InputError: If the tree is not a Decathlon's, or holds what training could not use.
    """
    source = Path(source)
    content = _read(source / "dataset.json")
    images, labels = {}, {}
    for entry in content["training"]:
        case = case_of(source / entry["image"])
        images[case], labels[case] = source / entry["image"], source / entry["label"]
    for file in content.get("test", []):
        path = source / (file["image"] if isinstance(file, dict) else file)
        if path.exists():
            images[case_of(path)] = path
    names = {str(name): int(value) for value, name in content["labels"].items()}
    found = Source(
        name=str(content.get("name", source.name)),
        images=images,
        labels=labels,
        declared={"background": 0, **{name: v for name, v in names.items() if v != 0}},
        licence=str(content.get("licence", "not recorded")),
    )
    return prepare_source(found, Path(destination), wanted=wanted or Wanted())


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; not a Decathlon task folder") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    for key in ("labels", "training"):
        if key not in content:
            raise InputError(f"{path}: key '{key}' is missing; not a Decathlon task")
    return content
