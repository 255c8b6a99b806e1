"""Where the voxels of a NIfTI file lie: of its two forms the one that counts, in millimeters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.world.axes import grid_distance, is_singular, squared

MILLIMETERS = {0: 1.0, 1: 1e3, 2: 1.0, 3: 1e-3}
"""By NIfTI's code of a unit: unknown, which is mm by custom, meter, millimeter, micrometer."""
UNIT_BITS = 7  # those above are the unit of time
CODES = range(6)
"""Of a form: 0 says that the file has none, 5 is another template."""
APART = 0.5
"""Voxels by which the two forms may lie apart, at any corner."""
SAME_SIZE = 0.01


def affine_in_millimeters(image: Any, unfixed: Any, path: Path) -> np.ndarray:
    """Voxel to RAS+ mm, (4, 4): sform, else qform, else voxel sizes alone, as the standard says.

    Args:
        image: Of nibabel.
        unfixed: Its header as stored; nibabel puts 1 mm for a voxel size of 0.
        path: For messages.

    Raises:
        InputError: If the unit or a form's code is none of NIfTI's, a form that counts or a voxel
            size is not finite, or two forms contradict each other.
    """
    unit = int(unfixed["xyzt_units"]) & UNIT_BITS
    if unit not in MILLIMETERS:
        raise InputError(f"{path}: unit of length {unit} (xyzt_units) is none of NIfTI's")
    affine = _form(image, unfixed, path).copy()
    affine[:3] *= MILLIMETERS[unit]
    return affine


def _form(image: Any, unfixed: Any, path: Path) -> np.ndarray:
    codes = {name: int(unfixed[f"{name}_code"]) for name in ("sform", "qform")}
    for name, code in codes.items():
        if code not in CODES:
            raise InputError(f"{path}: {name}_code is {code}, expected 0 to {CODES[-1]}")
    forms = {name: _matrix(image, name, path) for name, code in codes.items() if code}
    if "sform" not in forms:
        _refuse_sizes(image.shape, unfixed, path)
    if not forms:
        return np.asarray(image.affine)
    if len(forms) == 2:
        _refuse_two_places(forms, codes, image.shape, path)
    return forms["sform"] if "sform" in forms else forms["qform"]


def _matrix(image: Any, name: str, path: Path) -> np.ndarray:
    try:
        matrix = np.asarray(getattr(image, f"get_{name}")())
    except ValueError as error:
        raise InputError(f"{path}: its {name} is no rotation: {error}") from error
    if not np.isfinite(matrix).all():
        raise InputError(f"{path}: its {name} is not finite: {matrix[:3].tolist()}")
    return matrix


def _refuse_sizes(shape: Sequence[int], unfixed: Any, path: Path) -> None:
    sizes = np.asarray(unfixed["pixdim"])[1:4][: len(shape)].astype(float)
    needed = sizes[[size > 1 for size in shape[:3]]]
    if not (np.isfinite(needed).all() and needed.all()):
        raise InputError(f"{path}: voxel size {sizes.tolist()} (pixdim), expected numbers above 0")


def _refuse_two_places(
    forms: Mapping[str, np.ndarray], codes: Mapping[str, int], shape: Sequence[int], path: Path
) -> None:
    """Two forms may say the place in the scanner and that in a template, but one voxel size."""
    sform, qform = forms["sform"], forms["qform"]
    if is_singular(sform, axes=3):
        return  # refused by the reader, or an image of two axes
    corners = (*shape, 1, 1)[:3]
    apart = grid_distance(squared(sform), qform, corners)  # qform cannot express a shear
    sizes = [np.linalg.norm(form[:3, :3], axis=0) for form in (sform, qform)]
    two_spaces = codes["sform"] != codes["qform"] and np.allclose(
        sizes[0], sizes[1], rtol=SAME_SIZE
    )
    if apart > APART and not two_spaces:
        said = " and ".join(" x ".join(f"{size:.4g}" for size in voxel) for voxel in sizes)
        raise InputError(
            f"{path}: sform and qform lie {apart:.3g} voxels apart (voxels of {said} mm), and "
            "programs differ in which one they take; keep one of them, such as by nibabel's "
            "set_qform(None)"
        )
