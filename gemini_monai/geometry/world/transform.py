"""Where an affine puts a grid, and transforms as files.

World coordinates are RAS+ millimeters as in NIfTI. A transform T takes points of the reference's
world to the moving image's: ``x_moving = T @ x_reference``. What is written for ITK is LPS+.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from gemini_monai.base.extras import optional
from gemini_monai.base.files import replacing
from gemini_monai.geometry.world.axes import LPS


def output_grid(
    affine: Any,
    shape: Sequence[int],
    *,
    spacing: Sequence[float],
    spatial_size: Sequence[int],
) -> np.ndarray:
    """Affine (4, 4) of a grid about an image's center, along its own axes in RAS order.

    Args:
        affine: Voxel of the image to RAS+ mm, (4, 4); not singular.
        shape: Voxels of the image along each of its axes, (3,).
        spacing: Voxel size of the grid in mm, in RAS order, (3,), above 0.
        spatial_size: Voxels of the grid, in RAS order, (3,).
    """
    affine = np.asarray(affine, dtype=float)
    center = affine @ np.append((np.asarray(shape) - 1) / 2, 1)
    order = nib.orientations.io_orientation(affine)  # which RAS axis each axis is, and its sign
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    grid = np.eye(4)
    for axis, (ras, sign) in enumerate(order):
        grid[:3, int(ras)] = sign * axes[:, axis] * spacing[int(ras)]
    grid[:3, 3] = center[:3] - grid[:3, :3] @ ((np.asarray(spatial_size) - 1) / 2)
    return grid


def write_transform(path: Path, transform: np.ndarray, *, note: str) -> None:
    """Write T as ITK's text file (LPS+), which ITK, ANTs and SimpleITK read.

    Args:
        path: Ends in ``.tfm``.
        transform: T, (4, 4).
        note: One line kept as a comment.
    """
    itk = _itk(path)
    lps = LPS @ transform @ LPS
    affine = itk.AffineTransform[itk.D, 3].New()
    affine.SetMatrix(itk.matrix_from_array(np.ascontiguousarray(lps[:3, :3])))
    affine.SetTranslation(lps[:3, 3].tolist())
    with replacing(path) as part:
        itk.transformwrite([affine], str(part))
        text = f"{part.read_text(encoding='utf-8').rstrip()}\n# {note}\n"
        part.write_text(text, encoding="utf-8", newline="\n")


def read_transform(path: Path) -> np.ndarray:
    """T, (4, 4), of a file of ITK or ANTs."""
    itk = _itk(path)
    affine = itk.transformread(str(path))[0]
    lps = np.eye(4)
    lps[:3, :3] = itk.array_from_matrix(affine.GetMatrix())
    lps[:3, 3] = list(affine.GetOffset())
    return LPS @ lps @ LPS + 0.0  # no negative zeros


def _itk(path: Path) -> Any:
    return optional("itk", extra="itk", purpose=str(path))
