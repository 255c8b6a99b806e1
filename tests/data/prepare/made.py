"""A person's folder of images and labels, in any format, for tests of ``prepare``."""

from __future__ import annotations

import itk
import nibabel as nib
import numpy as np
from PIL import Image


def image(seed, shape=(12, 10)):
    return np.random.default_rng(seed).integers(0, 200, shape).astype(np.uint8)


def label(shape=(12, 10), values=(0, 1, 2)):
    return np.resize(np.repeat(values, 3), shape).astype(np.uint8)


def save(path, array, *, affine=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name.endswith((".nii", ".nii.gz")):
        nib.save(nib.Nifti1Image(array, np.eye(4) if affine is None else affine), path)
    elif path.suffix in (".png", ".jpg"):
        Image.fromarray(array.T).save(path)  # (X, Y), or (colors, X, Y)
    else:
        itk.imwrite(itk.image_from_array(array.T.copy()), str(path))


def folder(root, *, images=4, labels=2, suffix=".nii.gz", shape=(12, 10)):
    """``root/src`` with that many images, the first few of them labeled."""
    for k in range(images):
        save(root / "src" / "images" / f"case{k}{suffix}", image(k, shape))
        if k < labels:
            save(root / "src" / "labels" / f"case{k}.nii.gz", label(shape))
    return root / "src"
