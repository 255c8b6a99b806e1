"""Labels: what their values mean, and whether they fit their images."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.data.meta_tensor import MetaTensor

from gemini_monai.base.errors import InputError
from gemini_monai.base.limits import IGNORE
from gemini_monai.data.prepare.kept_files import kept_label
from gemini_monai.data.prepare.scan import ImageFacts
from gemini_monai.geometry.world import grid_distance
from gemini_monai.images.clutter import is_clutter
from gemini_monai.images.names import LOSSY, find_label_files, suffix_of
from gemini_monai.images.read import MOST_CODES
from gemini_monai.transforms.load import MASK

LabelFiles = Path | list[Path]
"""One index map, or one binary mask per structure."""
APART = 0.1
"""Voxels by which a label's grid may lie beside its image's, at any corner."""


def find_labels(folder: Path) -> tuple[dict[str, LabelFiles], list[str]]:
    """Label files by case, and the structures' names if each has a file of its own.

    A sub-folder holds one mask per structure, or the slices of a DICOM series.

    Raises:
        InputError: If the folder is empty, or a structure's mask is missing for some case.
    """
    by_case = find_label_files(folder)
    if not all(_has_masks(path) for path in by_case.values()):
        return dict(by_case), []
    masks = {case: find_label_files(path) for case, path in by_case.items()}
    structures = sorted({name for files in masks.values() for name in files})
    for case, name in ((c, n) for c, files in masks.items() for n in files if n.lower() == IGNORE):
        raise InputError(
            f"{masks[case][name]}: '{name}' is no structure; give voxels that do not count a value "
            f'of their own in every mask, and say it in labels.json: {{"{IGNORE}": 255}}'
        )
    for case, files in masks.items():
        for name in structures:
            if name not in files:
                raise InputError(f"{by_case[case]}: no mask '{name}', which other cases have")
    return {case: [files[name] for name in structures] for case, files in masks.items()}, structures


def _has_masks(path: Path) -> bool:
    return path.is_dir() and any(suffix_of(p) for p in path.iterdir() if not is_clutter(p))


def check_label(
    scan: ImageFacts,
    files: LabelFiles,
    *,
    declared: Mapping[str, int] | None,
    ignore: int | None = None,
) -> set[int]:
    """Read the label of a case, and return its values, that of ignored voxels among them.

    Raises:
        InputError: If it does not fit its image in shape or affine, is of several channels or of a
            format that changes values, has values that are not whole numbers from 0 on, more of
            them than a label map has, or one that is not declared.
    """
    values = _values(scan, files, ignore)
    if isinstance(files, list):
        _refuse_mask(values - {ignore}, files[0])
    else:
        _refuse_values(values - {ignore}, files, declared)
    return values


def named_structures(
    values: Collection[int],
    labels: Mapping[str, LabelFiles],
    *,
    declared: Mapping[str, int] | None,
    ignore: int | None = None,
) -> dict[str, int]:
    """Names and values of the structures of all labels that were read.

    Raises:
        InputError: If all of them are empty.
    """
    if labels and set(values) <= {0, ignore}:
        also = f" or {ignore}, which is ignored" if ignore in set(values) else ""
        raise InputError(
            f"{_first(next(iter(labels.values())))}: no structure in it, nor in any of the "
            f"{len(labels)} labels that are used; every value is 0{also}"
        )
    names = {f"structure {value}": value for value in sorted(set(values) - {0, ignore})}
    return dict(declared) if declared else {"background": 0, **names}


def _refuse_mask(values: set[int], file: Path) -> None:
    if not values <= set(MASK):
        raise InputError(f"{file}: a mask of one structure, but its values are {sorted(values)}")


def _refuse_values(values: set[int], file: Path, declared: Mapping[str, int] | None) -> None:
    if declared is None and len(values) > MOST_CODES:
        raise InputError(
            f"{file}: {len(values)} distinct values from {min(values)} to {max(values)}, more than "
            "a label map has; exchanged with its image? If not, name them in labels.json"
        )
    unknown = sorted(values - set(declared.values())) if declared else []
    if unknown:
        raise InputError(
            f"{file}: label value {unknown[0]} is not declared in labels.json, which has "
            f"{sorted((declared or {}).values())}"
        )


def _values(scan: ImageFacts, files: LabelFiles, ignore: int | None) -> set[int]:
    name = _first(files)
    if str(name).lower().endswith(LOSSY):
        raise InputError(
            f"{name}: JPEG changes values, so it cannot hold a label; export PNG or NIfTI"
        )
    label = kept_label(files, ignore=ignore)
    if len(label) != (len(files) if isinstance(files, list) else 1):
        raise InputError(
            f"{name}: {len(label)} channels, expected a label map of one; for structures that "
            "overlap, a sub-folder per case with a mask each"
        )
    affine = scan.affine if scan.spacing else None
    refuse_other_grid(label, name, image=scan.path, shape=scan.shape, affine=affine)
    return {int(value) for value in np.unique(label.numpy())}


def refuse_other_grid(
    label: MetaTensor, file: Path, *, image: Path, shape: Sequence[int], affine: Any
) -> None:
    """Stop at a label that does not lie on its image, voxel by voxel.

    Args:
        label: (C, *S) with its affine.
        file: Its file.
        image: The image's file.
        shape: Of the image, *S.
        affine: Of the image; ``None`` where its format has none.

    Raises:
        InputError: If it is of another shape, or a corner lies more than ``APART`` voxels away.
    """
    if tuple(label.shape[1:]) != tuple(shape):
        raise InputError(
            f"{file}: label of shape {tuple(label.shape[1:])}, its image {image} has {tuple(shape)}"
        )
    if affine is not None:
        apart = grid_distance(affine, np.asarray(label.affine), shape)
        if not apart <= APART:
            raise InputError(
                f"{file}: label with another affine than its image {image}: a corner lies "
                f"{apart:.3g} voxels away"
            )


def _first(files: LabelFiles) -> Path:
    return files[0] if isinstance(files, list) else files
