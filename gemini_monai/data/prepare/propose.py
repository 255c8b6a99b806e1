"""A first guess from the data: voxel size, network size and intensity scaling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nibabel as nib
import numpy as np

from gemini_monai.base.intensity import Intensity
from gemini_monai.base.memory import refuse_too_large
from gemini_monai.data.prepare.scan import ImageFacts
from gemini_monai.transforms.room import refuse_resampling, resampling_bytes

LARGEST = {2: 256, 3: 160}  # voxels an axis that one starts with
SMALLEST = 16  # voxels an axis: thinner images are padded
AIR_IN_CT = -500  # Hounsfield units; no other modality goes below
PERCENTILES = {"kind": "percentile", "lower": 0.5, "upper": 99.5}
SOFT_TISSUE = {"kind": "range", "lower": -200.0, "upper": 600.0}


def propose(
    scans: Sequence[ImageFacts], *, color: bool = True, spacing: Sequence[float] | None = None
) -> dict[str, Any]:
    """``spacing``, ``spatial_size`` and ``intensity`` of a ``dataset.json``.

    Images with voxel sizes are brought to the median one and padded or cropped to the median
    extent; images without are resized to the median size. Sizes go up to a multiple of 8. CT is
    clipped to soft tissue and contrast, anything else to its own 0.5 and 99.5 percentiles. Voxel
    sizes have six digits, whatever the unit.

    Args:
        scans: Every image that is used.
        color: Whether channels are parts of one color; each has its own rule otherwise, where
            these differ.
        spacing: Instead of the median, in mm, for images that have voxel sizes.
    """
    axes = len(scans[0].shape)
    spacings = [in_ras(scan.spacing, scan.affine) for scan in scans if scan.spacing is not None]
    has_sizes = len(spacings) == len(scans)
    median = six_digits(np.median(spacings, axis=0)) if has_sizes else None
    voxel = median if spacing is None or not has_sizes else np.asarray(spacing, dtype=float)
    extents = [np.asarray(scan.shape, dtype=float) for scan in scans]
    if voxel is not None:
        extents = [in_ras(scan.shape, scan.affine) for scan in scans]
        extents = [e * step / voxel for e, step in zip(extents, np.asarray(spacings), strict=True)]
    size = np.minimum(np.median(extents, axis=0), LARGEST[axes])
    return {
        "spacing": None if voxel is None else voxel.tolist(),
        "spatial_size": np.maximum(SMALLEST, up_to_8(size)).tolist(),
        "intensity": _intensity(scans, color=color),
    }


def up_to_8(size: Any) -> np.ndarray:
    """The next multiples of 8."""
    return (8 * np.ceil(np.asarray(size) / 8)).astype(int)


def refuse_too_large_view(
    scans: Sequence[ImageFacts],
    *,
    spacing: Sequence[float] | None,
    spatial_size: Sequence[int],
    aligned: bool = False,
) -> None:
    """Stop at a view of the images that memory cannot hold, before a training asks for it.

    Args:
        scans: All images.
        spacing: Voxel size in mm that they are brought to; ``None`` where they are resized.
        spatial_size: Voxels that the network sees.
        aligned: They are sampled on one grid of that size instead.

    Raises:
        InputError: Naming the option, or the first image whose grid is too large.
    """
    channels = max(scan.channels for scan in scans)
    refuse_too_large(
        spatial_size,
        voxel_bytes=resampling_bytes(channels) if aligned else 4 * channels,
        what="--spatial_size",
        change="give a smaller one",
    )
    if spacing is None or aligned:
        return
    for scan in scans:
        shape = in_ras(scan.shape, scan.affine).astype(int).tolist()
        voxel = in_ras(scan.spacing or spacing, scan.affine).tolist()
        refuse_resampling(shape, voxel, spacing, channels=scan.channels, what=str(scan.path))


def _intensity(scans: Sequence[ImageFacts], *, color: bool) -> Intensity:
    """One rule, or one a channel where they differ, as of CT and PET."""
    minima = [[min(scan.minima)] if color else scan.minima for scan in scans]
    is_ct = np.median(minima, axis=0) < AIR_IN_CT
    rules = [SOFT_TISSUE if ct else PERCENTILES for ct in is_ct]
    return rules if len({rule["kind"] for rule in rules}) > 1 else rules[0]


def six_digits(values: np.ndarray) -> np.ndarray:
    """Voxel sizes as they are written."""
    return np.array([float(f"{value:.6g}") for value in values])


def in_ras(values: Sequence[float], affine: Any) -> np.ndarray:
    """Values of a volume's stored axes in the order right, anterior, superior.

    Training reorients volumes to that order, so a voxel size or a network size must have it too.
    Values of a 2-D image, which is not reoriented, stay as they are.
    """
    if len(values) == 2:
        return np.asarray(values, dtype=float)
    along = nib.io_orientation(np.asarray(affine))[:, 0]
    return np.asarray(values, dtype=float)[np.argsort(along)]
