"""What of a label map hangs together."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor


def largest_components(label: Tensor) -> Tensor:
    """Of each structure its largest component; all others become background.

    Voxels that touch, if only by a corner, are of one component; of two alike in size the first
    stays. The work is the processor's, wherever the label is.

    Args:
        label: Class indices (B, 1, *S), 0 for background.
    """
    kept = np.stack([_largest(own) for own in label[:, 0].cpu().numpy()])
    return torch.from_numpy(kept)[:, None].to(label.device)


def _largest(label: np.ndarray) -> np.ndarray:
    """Of one image (*S)."""
    kept = np.zeros_like(label)
    touching = np.ones([3] * label.ndim)
    for structure in np.unique(label[label > 0]):
        numbers, _ = ndimage.label(label == structure, structure=touching)
        largest = np.bincount(numbers.ravel())[1:].argmax() + 1
        kept[numbers == largest] = structure
    return kept
