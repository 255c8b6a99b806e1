"""The built-in phantom: a population of subjects made from one anatomy by known deformations."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from einops import rearrange
from torch import Tensor
from tqdm import tqdm

from gemini_monai.base import limits
from gemini_monai.base.errors import InputError
from gemini_monai.base.files import PART, read_json, write_json, writing
from gemini_monai.base.memory import refuse_too_large
from gemini_monai.data import phantom_anatomy
from gemini_monai.data.cohort import Cohort
from gemini_monai.data.dataset_file import write_cohort
from gemini_monai.data.phantom_subjects import make_subject

SIZES = {2: (96, 96), 3: (40, 40, 40)}
COUNTS = {
    2: {"labeled": 5, "unlabeled": 50, "validation": 10, "test": 20},
    3: {"labeled": 5, "unlabeled": 20, "validation": 3, "test": 8},
}
ARRAYS = ("image", "label", "field", "inverse_field")
MARK = ".phantom.json"
"""Says, before the first image is there, that a folder is a phantom's, and of which settings."""
VERSION = 1  # raise when the same settings give other images
VOXEL_BYTES = 100
"""What a voxel of a subject takes while it is made; 124 were measured in 3-D."""


def write_phantom(
    folder: str | Path,
    *,
    spatial_dims: int = 2,
    seed: int = 0,
    spatial_size: tuple[int, ...] | None = None,
    labeled: int | None = None,
    unlabeled: int | None = None,
    validation: int | None = None,
    test: int | None = None,
) -> Path:
    """Write a phantom population unless the folder already holds it, whole.

    Subject images are ``anatomy(p + field(p))`` with varied brightness, bias, blur and noise;
    ``field`` is a diffeomorphism, stored with its inverse for every labeled subject that is
    tested or validated on. Unlabeled subjects have no label file.

    Args:
        folder: Where the files go: absent, empty, or a phantom of other settings and nothing else,
            which is replaced file by file. Two processes may write one phantom at once.
        spatial_dims: 2 or 3.
        seed: Seed of the whole population, 0 or more: same seed, same images on one machine.
        spatial_size: Voxels per axis; 96 a side in 2-D and 40 in 3-D by default.
        labeled: Subjects to train on with labels.
        unlabeled: Subjects to train on without.
        validation: Subjects to choose on.
        test: Subjects to report on.

    Returns:
        Path of its ``dataset.json``.

    Raises:
        InputError: If the folder holds anything else, or a setting cannot be.
    """
    limits.whole(2, 3)(spatial_dims, "spatial_dims")
    limits.whole(0)(seed, "seed")
    given = {"labeled": labeled, "unlabeled": unlabeled, "validation": validation, "test": test}
    counts = {k: COUNTS[spatial_dims][k] if n is None else n for k, n in given.items()}
    for name, count in counts.items():
        limits.whole(0)(count, name)
    size = tuple(spatial_size or SIZES[spatial_dims])
    refuse_too_large(
        size, voxel_bytes=VOXEL_BYTES, what="spatial_size", change="give a smaller one"
    )
    settings = {"version": VERSION, "seed": seed, "spatial_size": list(size), **counts}
    path = Path(folder).absolute() / "dataset.json"
    if not _is_whole(path, settings):
        _make_room(path.parent, settings)
        write_json(path.parent / MARK, settings)
        cohort = _write_population(path, _subjects(counts), size=size, seed=seed)
        path.unlink(missing_ok=True)
        write_cohort(replace(cohort, phantom=settings))
    return path


def _subjects(counts: Mapping[str, Any]) -> dict[str, tuple[str, dict[str, str]]]:
    """Split and files by case."""
    splits = [split for split in COUNTS[2] for _ in range(int(counts[split]))]
    kept = {"unlabeled": ARRAYS[:1], "labeled": ARRAYS[:2]}
    return {
        case: (split, {key: f"{key}s/{case}.nii.gz" for key in kept.get(split, ARRAYS)})
        for case, split in ((f"subject_{k:03d}", split) for k, split in enumerate(splits))
    }


def _files(subjects: Mapping[str, tuple[str, dict[str, str]]]) -> set[str]:
    return {file for _, files in subjects.values() for file in files.values()}


def _is_whole(path: Path, settings: Mapping[str, Any]) -> bool:
    """Whether a folder holds the phantom of these settings, with every file and its record."""
    content = read_json(path, dict) if path.is_file() else {}
    if content.get("phantom") != settings or not content.get("files"):
        return False
    return all((path.parent / file).is_file() for file in _files(_subjects(settings)))


def _make_room(folder: Path, settings: Mapping[str, Any]) -> None:
    """Remove what a phantom of other settings had, if the folder holds nothing else.

    Raises:
        InputError: Naming what else it holds.
    """
    found = _listed(folder)
    there = [_settings(folder / name) for name in (MARK, "dataset.json") if name in found]
    if not found or settings in there:
        return
    own = {MARK, "dataset.json"}.union(*(_files(_subjects(old)) for old in there if old))
    strange = sorted(file for file in found if file not in own)
    if strange or not any(there):
        raise InputError(
            f"{folder}: holds {_some(strange or sorted(found))}, where the built-in phantom was to "
            "be written; to train on images of your own, prepare them and add an overlay such as "
            "dataset_folder.json to --config_file"
        )
    for file in sorted(found - {MARK}):
        (folder / file).unlink(missing_ok=True)


def _settings(path: Path) -> dict[str, Any] | None:
    """Settings of the phantom that a file says is there."""
    content = read_json(path, dict)
    settings = content if path.name == MARK else content.get("phantom")
    is_one = isinstance(settings, dict) and COUNTS[2].keys() <= settings.keys()
    return settings if is_one else None


def _listed(folder: Path) -> set[str]:
    """Files below a folder, by their paths in it; those of a write under way are left out.

    Raises:
        InputError: If it is a file, or may not be read.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file, expected a folder")
    inside = (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    return {path.as_posix() for path in inside if not PART.match(path.name)}


def _some(names: list[str]) -> str:
    return f"'{names[0]}'" + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _write_population(
    path: Path,
    subjects: Mapping[str, tuple[str, dict[str, str]]],
    *,
    size: tuple[int, ...],
    seed: int,
) -> Cohort:
    entries: dict[str, Any] = {split: [] for split in COUNTS[2]}
    digest = hashlib.sha256()
    for number, (case, (split, files)) in enumerate(tqdm(subjects.items(), "phantom", leave=False)):
        subject = make_subject(size, seed=(seed, number))
        for key, file in files.items():
            _write_nifti(path.parent / file, subject[key])
        digest.update(subject["image"].numpy().tobytes())
        entries[split].append({"case": case, **files})
    return phantom_cohort(path, spatial_size=size, seed=seed, hash=digest.hexdigest(), **entries)


def phantom_cohort(
    path: str | Path,
    *,
    spatial_size: tuple[int, ...] = SIZES[2],
    seed: int = 0,
    hash: str = "",  # noqa: A002 the field's name
    **entries: Any,
) -> Cohort:
    """What a phantom's data set says of itself.

    Args:
        path: Its ``dataset.json``.
        spatial_size: Voxels of an image.
        seed: Of the population.
        hash: Of its images.
        entries: By split.
    """
    size = spatial_size
    return Cohort(
        path=Path(path),
        name=f"phantom_{len(size)}d",
        source="phantom",
        spatial_dims=len(size),
        channels=1,
        labels={"background": 0, **{n: k for k, n in enumerate(phantom_anatomy.STRUCTURES, 1)}},
        overlapping=False,
        spacing=(1.0,) * len(size),
        spatial_size=size,
        intensity={"kind": "percentile", "lower": 0.5, "upper": 99.5},
        seed=seed,
        hash=hash,
        **entries,
    )


def _write_nifti(path: Path, volume: Tensor) -> None:
    """Spacing 1 mm, identity affine; the channels of a field go last."""
    array = volume.numpy()
    is_field = path.parent.name.endswith("fields")
    image = nib.Nifti1Image(rearrange(array, "n ... -> ... n") if is_field else array, np.eye(4))
    writing(path, lambda part: nib.save(image, part))
