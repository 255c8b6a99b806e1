"""Affine alignment of a data set: every image registered to one, nothing resampled."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_text
from gemini_monai.base.intensity import Intensity
from gemini_monai.data.checks import SPLITS
from gemini_monai.data.cohort import Cohort
from gemini_monai.data.prepare.kept_files import kept_image
from gemini_monai.data.prepare.label_overlap import mean_overlap
from gemini_monai.data.prepare.scan import ImageFacts, scan
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.geometry.world import (
    output_grid,
    read_transform,
    refuse_method,
    register_affine,
    write_transform,
)

VERSION = 1  # raise when registration gives other transforms
FINEST = 0.05  # mm: MONAI takes affines for equal that differ by less than a thousandth


def refuse_unalignable(wanted: Wanted) -> None:
    """Before anything is read.

    Raises:
        InputError: If alignment is asked for in a way that cannot be done.
    """
    if wanted.align is not None:
        refuse_method(wanted.align)
    elif wanted.reference is not None:
        raise InputError("--reference is what images are aligned to; give --align too")


def aligned(cohort: Cohort, scans: Mapping[str, ImageFacts], *, wanted: Wanted) -> Cohort:
    """The cohort with a ``grid`` for every entry, and what they are aligned to.

    Transforms go to ``transforms/<case>.tfm`` beside its file, and are not computed again for the
    same image and reference. Labels are opened of labeled, validation and test entries only, to
    print how much they overlap before and after.

    Args:
        cohort: With paths absolute.
        scans: Every image of it by case.
        wanted: Method and reference.

    Raises:
        InputError: If images are not 3-D with voxel sizes, or these are tiny; if the reference is
            neither a case nor a file, or a registration fails.
    """
    if cohort.spatial_dims != 3 or cohort.spacing is None:
        raise InputError("--align is for 3-D images with voxel sizes; leave it out for these")
    if min(cohort.spacing) < FINEST:
        raise InputError(
            f"--align is for voxels of {FINEST} mm or more, these are {list(cohort.spacing)} mm: "
            "is the unit of the files another one?"
        )
    reference = _reference(cohort, scans, wanted.reference)
    grid = _grid(reference, cohort)
    grids, folder = {}, cohort.path.parent / "transforms"
    for case, facts in tqdm(scans.items(), desc="align", leave=False):
        path = folder / f"{case}.tfm"
        grids[case] = _transform(facts, reference, path, cohort=cohort, wanted=wanted) @ grid
    own_grids = {case: _grid(facts, cohort) for case, facts in scans.items()}
    overlap = mean_overlap(cohort, reference.case, before=own_grids, after=grids)
    _show(reference, overlap)
    parts: dict[str, Any] = {
        part: [{**e, "grid": grids[e["case"]].tolist()} for e in getattr(cohort, part)]
        for part in SPLITS
    }
    alignment: dict[str, Any] = {
        "align": wanted.align,
        "reference": reference.path.absolute(),
        "overlap": overlap,
    }
    return replace(cohort, **alignment, **parts)


def align_affine(
    moving: Path, reference: Path, *, intensity: Intensity, method: str = "itk"
) -> np.ndarray:
    """The affine T, (4, 4), RAS+ mm: ``x_moving = T @ x_reference``, of two image files.

    Args:
        moving: A 3-D image.
        reference: Another.
        intensity: As in ``dataset.json``: what of the first channel is compared.
        method: ``"itk"`` or ``"ants"``.

    Raises:
        InputError: If a file cannot be read or registration fails.
    """
    return register_affine(
        kept_image(moving), kept_image(reference), intensity=intensity, method=method
    )


def _reference(cohort: Cohort, scans: Mapping[str, ImageFacts], wanted: str | None) -> ImageFacts:
    """The one that is asked for, or the training image nearest to the median extent.

    Labeled training images come first, unlabeled ones where there are none.
    """
    if wanted is None:
        extents = {case: _extent(candidate) for case, candidate in scans.items()}
        median = np.median(list(extents.values()), axis=0)
        cases = [entry["case"] for entry in cohort.labeled or cohort.unlabeled]
        return scans[min(cases, key=lambda case: np.linalg.norm(extents[case] - median))]
    if wanted in scans:
        return scans[wanted]
    if not Path(wanted).exists():
        raise InputError(f"--reference {wanted}: neither a case that is used nor an image file")
    facts = scan(wanted, Path(wanted))
    if len(facts.shape) != 3:
        raise InputError(f"--reference {wanted}: a {len(facts.shape)}-D image, expected 3-D")
    return facts


def _extent(facts: ImageFacts) -> np.ndarray:
    """Extent in mm of the image's box along the world's axes, (3,)."""
    return np.abs(facts.affine[:3, :3]) @ np.asarray(facts.shape)


def _grid(facts: ImageFacts, cohort: Cohort) -> np.ndarray:
    spacing, size = cohort.spacing or (), cohort.spatial_size
    return output_grid(facts.affine, facts.shape, spacing=spacing, spatial_size=size)


def _transform(
    facts: ImageFacts, reference: ImageFacts, path: Path, *, cohort: Cohort, wanted: Wanted
) -> np.ndarray:
    """T from its file if that is of these two images, else by registration."""
    key = hashlib.sha256(f"{VERSION} {wanted.align} {cohort.intensity}".encode())
    for image in (facts, reference):
        key.update(image.digest.encode() + np.ascontiguousarray(image.affine).tobytes())
    note = f"gemini_monai {key.hexdigest()}"
    text = read_text(path) if path.exists() else ""
    if text and "# gemini_monai " not in text:
        raise InputError(f"{path}: is there already, and of another maker; give another DST")
    if note not in text:
        transform = align_affine(
            facts.path,
            reference.path,
            intensity=cohort.intensity,
            method=str(wanted.align),
        )
        write_transform(path, transform, note=note)
    return read_transform(path)


def _show(reference: ImageFacts, overlap: Mapping[str, Any] | None) -> None:
    print(f"{'aligned to':>13}  {reference.case} ({reference.path})")
    if overlap is None:
        print(f"{'overlap':>13}  not known: the reference has no label that may be read")
    else:
        print(
            f"{'overlap':>13}  mean Dice with its label {overlap['before']:.3f} before, "
            f"{overlap['after']:.3f} after ({overlap['cases']} labeled images)"
        )
