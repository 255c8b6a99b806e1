"""The built-in phantom: a population of subjects made from one anatomy by known deformations."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from gemini_monai.data import anatomy
from gemini_monai.data.dataset import write_dataset
from gemini_monai.types import DDF
from gemini_monai.warp import compose, identity_grid

SIZES = {2: (96, 96), 3: (40, 40, 40)}
COUNTS = {
    2: {"labeled": 5, "unlabeled": 50, "validation": 10, "test": 20},
    3: {"labeled": 5, "unlabeled": 20, "validation": 3, "test": 8},
}
VERSION = 1  # raise when the same settings give other images


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
    """Write a phantom population unless the folder already holds it.

    Subject images are ``anatomy(p + field(p))`` with varied brightness, bias, blur and noise;
    ``field`` is a diffeomorphism, stored with its inverse for every labelled subject that is
    tested or validated on. Unlabelled subjects have no label file.

    Args:
        folder: Where the files go; replaced if it holds a phantom of other settings.
        spatial_dims: 2 or 3.
        seed: Of the whole population.
        spatial_size: Voxels per axis; 96 a side in 2-D and 40 in 3-D by default.
        labeled: Subjects to train on with labels.
        unlabeled: Subjects to train on without.
        validation: Subjects to choose on.
        test: Subjects to report on.

    Returns:
        Path of its ``dataset.json``.
    """
    given = {"labeled": labeled, "unlabeled": unlabeled, "validation": validation, "test": test}
    counts = {k: COUNTS[spatial_dims][k] if n is None else n for k, n in given.items()}
    size = tuple(spatial_size or SIZES[spatial_dims])
    settings = {"version": VERSION, "seed": seed, "spatial_size": list(size), **counts}
    folder = Path(folder).absolute()
    path = folder / "dataset.json"
    if path.is_file() and json.loads(path.read_text()).get("phantom") == settings:
        return path
    part = folder.with_name(f".part-{folder.name}")
    shutil.rmtree(part, ignore_errors=True)
    content = _write_population(part, size=size, counts=counts, seed=seed)
    write_dataset(part / "dataset.json", {**content, "phantom": settings})
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    return path


def _write_population(
    folder: Path, *, size: tuple[int, ...], counts: dict[str, int], seed: int
) -> dict[str, Any]:
    entries: dict[str, list[dict[str, str]]] = {split: [] for split in counts}
    splits = [split for split, count in counts.items() for _ in range(count)]
    digest = hashlib.sha256()
    for number, split in enumerate(tqdm(splits, desc="phantom", leave=False)):
        subject = make_subject(size, seed=(seed, number))
        case = f"subject_{number:03d}"
        kept = {"unlabeled": ["image"], "labeled": ["image", "label"]}.get(split, list(subject))
        files = {key: f"{key}s/{case}.nii.gz" for key in kept}
        for key, file in files.items():
            _write_nifti(folder / file, subject[key])
        digest.update(subject["image"].numpy().tobytes())
        entries[split].append({"case": case, **files})
    return {
        "name": f"phantom_{len(size)}d",
        "spatial_dims": len(size),
        "channels": 1,
        "labels": {"background": 0, **{n: k for k, n in enumerate(anatomy.STRUCTURES, 1)}},
        "overlapping": False,
        "spacing": [1.0] * len(size),
        "spatial_size": list(size),
        "intensity": {"kind": "percentile", "lower": 0.5, "upper": 99.5},
        "seed": seed,
        "hash": digest.hexdigest(),
        **entries,
    }


def make_subject(size: tuple[int, ...], *, seed: tuple[int, int]) -> dict[str, Tensor]:
    """One subject.

    Returns:
        ``image`` (*S) float32, ``label`` (*S) uint8, ``field`` and ``inverse_field`` (N, *S) in
        voxels, with ``image(p) = anatomy(p + field(p))`` up to appearance.
    """
    random = torch.Generator().manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    field, inverse = random_diffeomorphism(size, random=random)
    half = (torch.tensor(size, dtype=torch.float32) - 1) / 2
    half = half.view(-1, *[1] * len(size))
    level = anatomy.levels((identity_grid(size) + field) / half - 1)
    change = {name: 0.08 * float(torch.randn((), generator=random)) for name in anatomy.BRIGHTNESS}
    image = _appearance(anatomy.brightness(level, change), random=random)
    return {
        "image": image,
        "label": anatomy.labels(level),
        "field": field,
        "inverse_field": inverse,
    }


def random_diffeomorphism(
    size: tuple[int, ...], *, random: torch.Generator, strength: float = 0.18
) -> tuple[DDF, DDF]:
    """A smooth invertible displacement and its inverse, (N, *S) each, in voxels.

    The exponential of a stationary velocity field by scaling and squaring; the velocity is zero at
    the border, so the grid maps onto itself.

    Args:
        size: Spatial shape.
        random: Source of randomness.
        strength: Standard deviation of the velocity as a share of the size.
    """
    axes = len(size)
    control = torch.randn(1, axes, *[5] * axes, generator=random)
    coarse = torch.randn(1, axes, *[3] * axes, generator=random)
    mode = "bicubic" if axes == 2 else "trilinear"
    velocity = sum(
        weight * F.interpolate(noise, size=size, mode=mode, align_corners=True)
        for noise, weight in ((coarse, 0.8), (control, 0.6))
    )
    velocity = _smooth(torch.as_tensor(velocity), width=max(size) // 16)
    scale = strength * torch.tensor(size, dtype=torch.float32).view(1, -1, *[1] * axes) / 2
    velocity = velocity * scale * _window(size)
    return _exponential(velocity)[0], _exponential(-velocity)[0]


def _exponential(velocity: DDF, *, steps: int = 7) -> DDF:
    """Scaling and squaring (Arsigny et al., MICCAI 2006)."""
    ddf = velocity / 2**steps
    for _ in range(steps):
        ddf = compose(ddf, ddf)
    return ddf


def _window(size: tuple[int, ...]) -> Tensor:
    """1 inside, falling smoothly to 0 at the border over an eighth of each side, (*S)."""
    window = torch.ones(size)
    for axis, points in enumerate(size):
        place = torch.linspace(0, 1, points)
        ramp = (torch.minimum(place, 1 - place) * 8).clamp(0, 1)
        shape = [-1 if k == axis else 1 for k in range(len(size))]
        window = window * (ramp * ramp * (3 - 2 * ramp)).view(shape)
    return window


def _smooth(image: Tensor, *, width: int) -> Tensor:
    """Two passes of a box of ``2 * width + 1`` voxels, (B, C, *S)."""
    pool = F.avg_pool2d if image.ndim == 4 else F.avg_pool3d
    for _ in range(2 if width else 0):
        image = pool(image, 2 * width + 1, stride=1, padding=width, count_include_pad=False)
    return image


def _appearance(image: Tensor, *, random: torch.Generator) -> Tensor:
    """Gamma, gain, a smooth bias, blur and noise of one acquisition."""
    gamma, gain, noise, sharp = torch.rand(4, generator=random).tolist()
    coarse = torch.randn(1, 1, *[4] * image.ndim, generator=random)
    mode = "bicubic" if image.ndim == 2 else "trilinear"
    bias = F.interpolate(coarse, size=image.shape, mode=mode, align_corners=True)[0, 0]
    image = image.clamp_min(0) ** (0.7 + 0.7 * gamma) * (0.8 + 0.4 * gain)
    image = image * (1 + 0.25 * bias)
    image = torch.lerp(_smooth(image[None, None], width=1)[0, 0], image, sharp)
    return image + (0.02 + 0.05 * noise) * torch.randn(image.shape, generator=random)


def _write_nifti(path: Path, volume: Tensor) -> None:
    """Spacing 1 mm, identity affine; the channels of a field go last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = volume.numpy()
    is_field = path.parent.name.endswith("fields")
    nib.save(nib.Nifti1Image(np.moveaxis(array, 0, -1) if is_field else array, np.eye(4)), path)
