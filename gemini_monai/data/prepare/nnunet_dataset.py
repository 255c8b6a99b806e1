"""nnU-Net's own ``dataset.json`` beside the images of a raw folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.base.limits import text, whole
from gemini_monai.data.dataset_file import is_prepared
from gemini_monai.data.prepare.declared_labels import Declared, named_values

NAME = "dataset.json"


class NnUNetDataset(NamedTuple):
    """What it says; a Decathlon's, which has the same keys, says as much."""

    path: Path
    declared: Declared
    channels: tuple[str, ...] = ()
    """Names of the images' channels, if known."""
    ending: str | None = None
    """Of the names of images and labels, such as ``.nii.gz``."""
    training: int | None = None
    """How many cases have labels."""
    license: str | None = None


def read_nnunet(source: Path) -> NnUNetDataset | None:
    """Read it; ``None`` where there is none, or one of ours.

    Raises:
        InputError: If a value cannot be, or it lists files, which may lie elsewhere.
    """
    path = source / NAME
    if not path.is_file() or is_prepared(path):
        return None
    content = read_json(path, dict)
    if "labels" not in content:
        print(f"{'passed over':>13}  {path}: no 'labels' in it, so not nnU-Net's")
        return None
    if "dataset" in content:
        raise InputError(
            f"{path}: key 'dataset' lists files by itself; put them into imagesTr and labelsTr"
        )
    for key, check in (("file_ending", text), ("numTraining", whole(0))):
        if key in content:
            check(content[key], f"{path}: key '{key}'")
    return NnUNetDataset(
        path=path,
        declared=named_values(content["labels"], where=f"{path}: key 'labels'"),
        channels=_channels(content, path),
        ending=content.get("file_ending"),
        training=content.get("numTraining"),
        license=str(content.get("licence") or content.get("license") or "") or None,
    )


def refuse_other_ending(images: Mapping[str, Path], known: NnUNetDataset) -> None:
    """Stop at a file that nnU-Net would pass over.

    Raises:
        InputError: Naming it.
    """
    for path in images.values():
        if known.ending and path.is_file() and not path.name.endswith(known.ending):
            raise InputError(
                f"{path}: {known.path.name} says file_ending '{known.ending}'; move the file, or "
                "correct that"
            )


def _channels(content: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    key = "channel_names" if "channel_names" in content else "modality"
    names = content.get(key, {})
    numbers = [str(number) for number in range(len(names))]
    if not isinstance(names, Mapping) or sorted(map(str, names)) != sorted(numbers):
        raise InputError(f"{path}: key '{key}': expected {{\"0\": name, ...}}, got {names!r:.80}")
    return tuple(str(own) for _, own in sorted(names.items(), key=lambda item: int(item[0])))
