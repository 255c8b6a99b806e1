"""What a ``dataset.json`` must hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gemini_monai.errors import InputError

SPLITS = ("labeled", "unlabeled", "validation", "test")
FILE_KEYS = ("image", "label", "field", "inverse_field")
EXPECTED: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "spatial_dims": int,
    "channels": int,
    "labels": dict,
    "overlapping": bool,
    "spacing": (list, tuple, type(None)),
    "spatial_size": (list, tuple),
    "intensity": dict,
    "seed": int,
    "hash": str,
    **dict.fromkeys(SPLITS, list),
}


def check_content(content: Any, path: Path) -> None:
    """Compare a ``dataset.json`` with its format; label files are not touched.

    Raises:
        InputError: If a key is missing or wrong, an unlabelled entry has a label, or an image does
            not exist.
    """
    for key, kind in EXPECTED.items():
        if key not in content:
            raise InputError(f"{path}: key '{key}' is missing")
        if not isinstance(content[key], kind):
            raise InputError(f"{path}: key '{key}' is wrong: {content[key]!r}")
    for key in ("spatial_size", "spacing"):
        if content[key] is not None and len(content[key]) != content["spatial_dims"]:
            raise InputError(
                f"{path}: key '{key}' has {len(content[key])} values, "
                f"expected {content['spatial_dims']} (spatial_dims)"
            )
    for split in SPLITS:
        for entry in content[split]:
            _check_entry(entry, split, path)
            _check_grid(entry, path, is_aligned=bool(content.get("align")))


def _check_entry(entry: Mapping[str, Any], split: str, path: Path) -> None:
    for key in ("image", "case", *(() if split == "unlabeled" else ("label",))):
        if key not in entry:
            raise InputError(f"{path}: an entry of '{split}' has no '{key}': {dict(entry)}")
    if split == "unlabeled" and "label" in entry:
        raise InputError(f"{path}: unlabelled entry '{entry['case']}' has a label; remove it")
    image = path.parent / entry["image"]
    if not image.exists():
        raise InputError(f"{path}: image of '{entry['case']}' does not exist: {image}")


def _check_grid(entry: Mapping[str, Any], path: Path, *, is_aligned: bool) -> None:
    if is_aligned and np.shape(entry.get("grid", ())) != (4, 4):
        raise InputError(f"{path}: 'grid' of '{entry['case']}' must be 4 x 4 numbers")
