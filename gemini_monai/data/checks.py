"""What a ``dataset.json`` must hold."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gemini_monai.base import limits
from gemini_monai.base.errors import InputError
from gemini_monai.base.intensity import refuse_other_length
from gemini_monai.base.limits import Check, flag, intensity, optional, real, several, text, whole
from gemini_monai.base.trust import refuse_code
from gemini_monai.images.names import refuse_name

SPLITS = ("labeled", "unlabeled", "validation", "test")
TRAINING, HELD_OUT = SPLITS[:2], SPLITS[2:]
FILE_KEYS = ("image", "label", "field", "inverse_field")
RECORD = re.compile(r"\d+ -?\d+\.\d{9} [0-9a-f]{64}")
"""Size in bytes, seconds of the last change, and SHA-256 of a file."""


def _records(value: Any, name: str) -> None:
    """What is known of each file by its path."""
    if not isinstance(value, Mapping):
        raise InputError(f"{name}: expected an object, got {value!r:.80}")
    for file, record in value.items():
        if not isinstance(record, str) or not RECORD.fullmatch(record):
            raise InputError(
                f"{name}: of '{file}', expected its size, time and SHA-256, got {record!r:.120}; "
                "prepare again"
            )


EXPECTED: dict[str, Check] = {
    "name": text,
    "spatial_dims": whole(2, 3),
    "channels": whole(1),
    "overlapping": flag,
    "spacing": optional(several(real(above=0))),
    "spatial_size": several(whole(1)),
    "intensity": intensity,
    "seed": whole(0),
    "hash": text,
}
OPTIONAL: dict[str, Check] = {
    "source": text,
    "license": optional(text),
    "licence": optional(text),
    "color": flag,
    "crops": limits.one_of("center", "foreground"),
    "align": optional(limits.one_of("itk", "ants")),
    "reference": optional(text),
    "labeled_draw": optional(whole(0)),
    "files": optional(_records),
}


def check_content(content: Mapping[str, Any], path: Path) -> None:
    """Compare a ``dataset.json`` with its format; label files are not opened.

    Raises:
        InputError: If a key is missing or its value cannot be, an unlabeled entry has a label, a
            file does not exist, or a case, an image or a patient is on two sides of the split.
    """
    _check_keys(content, path)
    name = f"{path}: key 'labels'"
    limits.label_values(content["labels"], name, overlapping=content["overlapping"])
    limits.ignored_value(
        content.get("ignore"),
        f"{path}: key 'ignore'",
        labels=content["labels"],
        overlapping=content["overlapping"],
    )
    for key in ("spatial_size", "spacing"):
        if content[key] is not None and len(content[key]) != content["spatial_dims"]:
            raise InputError(
                f"{path}: key '{key}' has {len(content[key])} values, "
                f"expected {content['spatial_dims']} (spatial_dims)"
            )
    refuse_other_length(content["intensity"], content["channels"], name=f"{path}: key 'intensity'")
    for split in SPLITS:
        for entry in content[split]:
            _check_entry(entry, split, content, path)
    _refuse_twice(content, path)
    _refuse_both_sides(content, path)


def _check_keys(content: Mapping[str, Any], path: Path) -> None:
    for key in (*EXPECTED, "labels", *SPLITS):
        if key not in content:
            raise InputError(f"{path}: key '{key}' is missing")
    refuse_code({key: own for key, own in content.items() if key not in SPLITS}, str(path))
    for key, check in {**EXPECTED, **OPTIONAL}.items():
        if key in content:
            check(content[key], f"{path}: key '{key}'")
    for split in SPLITS:
        if not isinstance(content[split], list):
            raise InputError(f"{path}: key '{split}': expected a list, got {content[split]!r:.80}")


def _check_entry(entry: Any, split: str, content: Mapping[str, Any], path: Path) -> None:
    if not isinstance(entry, Mapping):
        raise InputError(f"{path}: an entry of '{split}' must be an object, got {entry!r:.80}")
    for key in ("image", "case", *(() if split == "unlabeled" else ("label",))):
        if key not in entry:
            raise InputError(f"{path}: an entry of '{split}' has no '{key}': {dict(entry)}")
    refuse_name(entry["case"], where=f"{path}: an entry of '{split}'")
    where = f"{path}: '{entry['case']}' of '{split}'"
    if split == "unlabeled" and "label" in entry:
        raise InputError(f"{path}: unlabeled entry '{entry['case']}' has a label; remove it")
    for key in ("paired", "has_label"):
        if key in entry:
            flag(entry[key], f"{where}: key '{key}'")
    _check_files(entry, path, where=where)
    _check_masks(entry, content, where=where)
    if content.get("align") and np.shape(entry.get("grid", ())) != (4, 4):
        raise InputError(f"{path}: 'grid' of '{entry['case']}' must be 4 x 4 numbers")


def _check_files(entry: Mapping[str, Any], path: Path, *, where: str) -> None:
    for key in FILE_KEYS:
        for file in files_of(entry, key, where=where):
            if not (path.parent / file).exists():
                raise InputError(
                    f"{path}: {key} of '{entry['case']}' does not exist: {path.parent / file}"
                )


def files_of(entry: Mapping[str, Any], key: str, *, where: str) -> Sequence[str]:
    """The file or files of an entry; none where it has no such key.

    Raises:
        InputError: If they are no paths.
    """
    if key not in entry:
        return []
    files = entry[key] if isinstance(entry[key], (list, tuple)) else [entry[key]]
    for file in files:
        text(file, f"{where}: {key}")
    return files


def _check_masks(entry: Mapping[str, Any], content: Mapping[str, Any], *, where: str) -> None:
    """A label map where structures exclude one another, else a mask of each."""
    if "label" not in entry:
        return
    several_files = isinstance(entry["label"], (list, tuple))
    if several_files != content["overlapping"]:
        expected = "a mask per structure" if content["overlapping"] else "one label map"
        raise InputError(f"{where}: expected {expected} (overlapping), got {entry['label']!r:.80}")
    if several_files and len(entry["label"]) != len(content["labels"]):
        raise InputError(
            f"{where}: {len(entry['label'])} masks, expected {len(content['labels'])} (labels)"
        )


def _refuse_twice(content: Mapping[str, Any], path: Path) -> None:
    """Each case and each image once."""
    seen: dict[tuple[str, str], str] = {}
    for split in SPLITS:
        for entry in content[split]:
            named = (
                entry["image"] if isinstance(entry["image"], (list, tuple)) else [entry["image"]]
            )
            files = [os.path.normpath(path.parent / file) for file in named]
            for key, value in (("case", entry["case"]), *(("image", file) for file in files)):
                if (key, value) in seen:
                    places = f"'{seen[key, value]}' and '{split}'"
                    raise InputError(f"{path}: {key} '{value}' is there twice, in {places}")
                seen[key, value] = split


def _refuse_both_sides(content: Mapping[str, Any], path: Path) -> None:
    """A patient who is trained on is not validated or tested on."""
    trained = {_patient(entry) for split in TRAINING for entry in content[split]} - {None}
    for split in HELD_OUT:
        for entry in content[split]:
            if _patient(entry) in trained:
                raise InputError(
                    f"{path}: patient '{entry['patient']}' is trained on and in '{split}'"
                )


def _patient(entry: Mapping[str, Any]) -> str | None:
    return str(entry["patient"]) if "patient" in entry else None
