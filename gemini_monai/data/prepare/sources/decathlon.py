"""A task of the Medical Segmentation Decathlon, in its own layout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.data.prepare.declared_labels import named_values
from gemini_monai.data.prepare.label_files import LabelFiles
from gemini_monai.data.prepare.patients import read_patients
from gemini_monai.data.prepare.regions import with_declared
from gemini_monai.data.prepare.source import Source, prepare_source
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.images import case_of


def prepare_decathlon(
    source: str | Path, destination: str | Path, *, wanted: Wanted | None = None
) -> Path:
    """Write ``destination/dataset.json`` for a Decathlon tree.

    Its ``training`` cases are divided; entries are objects, pairs of an image and a label, or an
    image alone, which then is unlabeled. Its own ``test`` images, which have no labels, join the
    unlabeled ones where the files are there. Labels may be named either way round. A table of
    patients beside ``dataset.json`` is read as that of a folder of one's own.

    Args:
        source: Folder with the task's ``dataset.json``; never changed.
        destination: Where ours goes.
        wanted: The split.

    Raises:
        InputError: If the tree is not a Decathlon's, or holds what training could not use.
    """
    source = Path(source)
    path = source / "dataset.json"
    content = _read(path)
    images: dict[str, Path] = {}
    labels: dict[str, LabelFiles] = {}
    for image, label in _entries(content, path):
        if label is None and not (source / image).exists():
            continue
        case = case_of(source / image)
        if case in images:
            raise InputError(f"{path}: case '{case}' is there twice, also as {images[case]}")
        images[case] = source / image
        if label is not None:
            labels[case] = source / label
    contents = Source(
        name=str(content.get("name", source.absolute().name)),
        kind="decathlon",
        images=images,
        labels=labels,
        patients=read_patients(source, set(images)),
        license=str(content.get("licence") or content.get("license") or "not recorded"),
    )
    declared = named_values(content["labels"], where=f"{path}: key 'labels'")
    destination = Path(destination)
    contents = with_declared(contents, declared, said_in=path, folder=destination / "masks")
    return prepare_source(contents, destination, wanted=wanted or Wanted())


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path}: no such file; not a Decathlon task folder")
    content = read_json(path, dict)
    for key in ("labels", "training"):
        if key not in content:
            raise InputError(
                f"{path}: key '{key}' is missing; not a Decathlon task. Of nnU-Net's folders: "
                "prepare folder SRC DST"
            )
    return content


def _entries(content: Mapping[str, Any], path: Path) -> Iterator[tuple[str, str | None]]:
    """Image and label of each case; no label where there is none."""
    for part in ("training", "test"):
        entries = content.get(part, [])
        if not isinstance(entries, list):
            raise InputError(f"{path}: key '{part}': expected a list, got {entries!r:.80}")
        for entry in entries:
            image, label = _pair(entry)
            if not isinstance(image, str) or not isinstance(label, (str, type(None))):
                raise InputError(
                    f"{path}: an entry of '{part}' must name image and label, got {entry!r:.80}"
                )
            yield image, label if part == "training" else None


def _pair(entry: Any) -> tuple[Any, Any]:
    if isinstance(entry, Mapping):
        return entry.get("image"), entry.get("label")
    if isinstance(entry, list) and len(entry) == 2:
        return entry[0], entry[1]
    return entry, None
