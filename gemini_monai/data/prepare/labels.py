"""Labels: what their values mean, and whether they fit their images."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gemini_monai.data.load import read
from gemini_monai.data.prepare.scan import Scan, find_images
from gemini_monai.errors import InputError

LabelFiles = Path | list[Path]
"""One index map, or one binary mask per structure."""


def find_labels(folder: Path) -> tuple[dict[str, LabelFiles], list[str]]:
    """Label files by case, and the structures' names if each has a file of its own.

    A sub-folder per case with one mask per structure stands for structures that may overlap.

    Raises:
        InputError: If a case lacks a structure that another has.
    """
    found = find_images(folder)
    if not all(path.is_dir() for path in found.values()):
        return dict(found), []
    masks = {case: find_images(path) for case, path in found.items()}
    structures = sorted({name for files in masks.values() for name in files})
    for case, files in masks.items():
        for name in structures:
            if name not in files:
                raise InputError(f"{found[case]}: no mask '{name}', which other cases have")
    return {case: [files[name] for name in structures] for case, files in masks.items()}, structures


def declared_names(path: Path) -> dict[str, int] | None:
    """Names and values of ``labels.json``, written either way round; ``None`` without the file.

    Raises:
        InputError: If it is not a JSON object of names and whole numbers.
    """
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text())
        pairs = [(k, v) if str(k).isdigit() else (v, k) for k, v in content.items()]
        names = {str(name): int(value) for value, name in pairs}
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f'{path}: expected names and values like {{"heart": 1}}') from error
    return {"background": 0, **{name: v for name, v in names.items() if v != 0}}


def check_labels(
    scans: Sequence[Scan], labels: Mapping[str, LabelFiles], *, declared: Mapping[str, int] | None
) -> dict[str, int]:
    """Read the labels of these cases, and of no others, and return names and values.

    Raises:
        InputError: If a label does not fit its image in shape or affine, has values that are not
            whole numbers, or a value that is not declared.
    """
    values: set[int] = set()
    for scan in tqdm(scans, desc="labels", leave=False):
        files = labels[scan.case]
        found = _values(scan, files)
        name = files[0] if isinstance(files, list) else files
        if isinstance(files, list) and not found <= {0, 1, 255}:
            raise InputError(f"{name}: a mask of one structure, but its values are {sorted(found)}")
        unknown = found - set(declared.values()) if declared and name is files else set()
        if unknown:
            raise InputError(
                f"{name}: label value {sorted(unknown)[0]} is not declared in labels.json, "
                f"which has {sorted((declared or {}).values())}"
            )
        values |= found
    names = {f"structure {value}": value for value in sorted(values - {0})}
    return dict(declared) if declared else {"background": 0, **names}


def _values(scan: Scan, files: LabelFiles) -> set[int]:
    label = read(files)
    name = files[0] if isinstance(files, list) else files
    if tuple(label.shape[1:]) != scan.shape:
        raise InputError(
            f"{name}: label of shape {tuple(label.shape[1:])}, its image has {scan.shape}"
        )
    if scan.spacing and not np.allclose(np.asarray(label.affine), scan.affine, atol=1e-2):
        raise InputError(f"{name}: label with another affine than its image {scan.path}")
    values = np.unique(np.asarray(label))
    if not np.array_equal(values, np.round(values)):
        raise InputError(f"{name}: label values must be whole numbers, got {values[:5].tolist()}")
    return {int(value) for value in values}
