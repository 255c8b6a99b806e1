"""Whether probabilities are as often right as they say."""

from __future__ import annotations

import torch
from monai.metrics.calibration import calibration_binning
from torch import Tensor

from gemini_monai.base.devices import in_double

BINS = 20
"""Bins of equal width in [0, 1], MONAI's default."""
AT_ONCE = 2**16
"""Voxels that MONAI bins at one time. It counts and adds in single precision, one by one: more than
2^24 voxels of a bin would not be counted at all, and sums of many lose their last digits."""


def calibration_errors(logits: Tensor, truth: Tensor, *, overlapping: bool) -> Tensor:
    """Expected calibration error of each structure in one image.

    In each of ``BINS`` bins of its probability, the difference of the mean probability to the share
    of voxels that are of the structure, weighted by the voxels of the bin: MONAI's
    ``CalibrationErrorMetric`` with ``"expected"``, of one image. Nearly all voxels of a small
    structure's image are surely none of it, and make its error small; compare methods by it, and
    not structures.

    Args:
        logits: (K, *S), of classes with the background first, or of overlapping structures.
        truth: On the same grid: class indices (1, *S), or zeros and ones (K, *S); voxels below 0
            are left out.
        overlapping: Whether structures are channels of their own, which a sigmoid makes
            probabilities of; a softmax otherwise.

    Returns:
        In [0, 1], one of each structure without background, in double precision on the CPU; NaN
        where every voxel is left out.

    Raises:
        ValueError: If the grids differ.
    """
    if logits.shape[1:] != truth.shape[1:]:
        raise ValueError(
            f"logits and truth must have one grid, got {tuple(logits.shape[1:])} and "
            f"{tuple(truth.shape[1:])}"
        )
    parts = [own.flatten(1).split(AT_ONCE, 1) for own in (logits, truth)]
    found = [_binned(*own, overlapping=overlapping) for own in zip(*parts, strict=True)]
    sums = torch.stack(found).sum(0)
    gaps = (sums[:, 0] - sums[:, 1]).abs().sum(1)  # of sums, so each bin has the weight of its size
    return gaps / sums[:, 2].sum(1)


def _binned(logits: Tensor, truth: Tensor, *, overlapping: bool) -> Tensor:
    """Sum of probabilities, sum of the truth and count of each bin, (structures, 3, BINS)."""
    logits = logits.float()
    if overlapping:
        parts = [(p[t >= 0], t[t >= 0]) for p, t in zip(logits.sigmoid(), truth, strict=True)]
    else:
        known, own = truth[0] >= 0, truth[0]
        chances = logits.softmax(0)[1:]
        parts = [(p[known], own[known] == k) for k, p in enumerate(chances, 1)]
    return torch.stack([_sums(*part) for part in parts])


def _sums(probability: Tensor, member: Tensor) -> Tensor:
    said, true, count = calibration_binning(
        probability[None, None], member[None, None].to(probability), num_bins=BINS
    )
    means = torch.stack([said, true, torch.ones_like(said)]).nan_to_num()
    return (in_double(means) * in_double(count))[:, 0, 0].cpu()
