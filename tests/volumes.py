"""Smooth volumes moved by known affines, for tests of alignment."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor

from tests.data.prepare.made import save

INTENSITY = {"kind": "percentile", "lower": 0.5, "upper": 99.5}
SHAPE = (32, 32, 32)
CENTERED = np.array([[1, 0, 0, -15.5], [0, 1, 0, -15.5], [0, 0, 1, -15.5], [0, 0, 0, 1.0]])
# Center, radii and brightness of each blob, in mm.
BLOBS = (
    ((0, 0, 0), (9, 7, 11), 1.0),
    ((6, -4, 5), (4, 3, 3), 0.8),
    ((-7, 5, -3), (3, 5, 4), 0.6),
    ((2, 6, 8), (3, 2, 4), -0.4),
)


def moved(*, degrees=12.0, scale=(1.15, 0.9, 1.05), shift=(3.0, -2.0, 4.0)):
    """An affine (4, 4): shear, scale, turns about two axes, shift."""
    first, second = (np.eye(4) for _ in range(2))
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    first[:2, :2] = second[1:3, 1:3] = [[cos, -sin], [sin, cos]]
    affine = first @ second @ np.diag([*scale, 1.0])
    affine[0, 1] += 0.05
    affine[:3, 3] = shift
    return affine


def volume(transform=None, *, affine=CENTERED, shape=SHAPE, gain=1.0):
    """The blobs as an image whose world is theirs moved by ``transform``, (1, *shape)."""
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"))
    world = affine[:3, :3] @ grid.reshape(3, -1) + affine[:3, 3:]
    back = np.linalg.inv(np.eye(4) if transform is None else transform)
    points = back[:3, :3] @ world + back[:3, 3:]
    values = sum(
        brightness * np.exp(-sum(((points[k] - center[k]) / radii[k]) ** 2 for k in range(3)))
        for center, radii, brightness in BLOBS
    )
    values = torch.as_tensor(gain * values.reshape(1, *shape), dtype=torch.float32)
    return MetaTensor(values, affine=torch.as_tensor(affine))


def corner_error(found, expected, *, affine=CENTERED, shape=SHAPE):
    """Greatest distance in mm of what two transforms make of the corners of a grid."""
    corners = np.array(list(itertools.product(*[(0, n - 1) for n in shape], (1,)))).T
    return np.linalg.norm(((found - expected) @ affine @ corners)[:3], axis=0).max()


def population(root, *, images=7, labels=5, shape=(24, 24, 24)):
    """``root/src`` with images moved by seeded affines, and their affines by case."""
    grid = np.diag([1.5, 1.5, 1.5, 1.0])
    grid[:3, 3] = -1.5 * (np.asarray(shape) - 1) / 2
    transforms = {}
    for k in range(images):
        random = np.random.default_rng(k)
        transform = moved(
            degrees=random.uniform(-8, 8),
            scale=random.uniform(0.9, 1.1, 3),
            shift=random.uniform(-3, 3, 3),
        )
        image = volume(transform, affine=grid, shape=shape, gain=100.0)
        array = image[0].numpy()
        save(root / "src" / "images" / f"c{k}.nii.gz", array, affine=grid)
        if k < labels:
            label = (array > 30).astype(np.uint8) + (array > 75).astype(np.uint8)
            save(root / "src" / "labels" / f"c{k}.nii.gz", label, affine=grid)
        transforms[f"c{k}"] = transform
    return root / "src", transforms
