"""A tree of KiPA22 with the official names, dtypes and label codes."""

from __future__ import annotations

import numpy as np

from tests.data.prepare.made import save

AFFINE = np.diag([0.63, 0.63, 0.63, 1.0])


def volume(seed, shape):
    """CT (X, Y, Z) in Hounsfield units plus 1024."""
    return np.random.default_rng(seed).integers(850, 1250, shape).astype(np.uint16)


def label(seed, shape):
    """Renal vein 1, kidney 2, renal artery 3, tumor 4 in boxes of their own."""
    values = np.zeros(shape, np.uint8)
    width = shape[0] // 5
    for code in range(1, 5):
        values[code * width : (code + 1) * width, 2 : 6 + seed % 3, 1:-1] = code
    return values


def official(root, *, cases=70, opened=0, shape=(15, 12, 8), open_folder="open"):
    """``root/train`` with that many cases, and test images from 70 on without labels."""
    for number in range(cases):
        save(root / f"train/image/{number}.nii.gz", volume(number, shape), affine=AFFINE)
        save(root / f"train/label/{number}.nii.gz", label(number, shape), affine=AFFINE)
    for number in range(70, 70 + opened):
        save(root / open_folder / f"image/{number}.nii.gz", volume(number, shape), affine=AFFINE)
    return root
