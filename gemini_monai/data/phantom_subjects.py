"""Subjects of the phantom: one anatomy, deformed and seen in many ways."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.data import phantom_anatomy
from gemini_monai.geometry.types import DDF
from gemini_monai.geometry.warp import compose, identity_grid


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
    level = phantom_anatomy.levels((identity_grid(size) + field) / half - 1)
    change = {
        name: 0.08 * float(torch.randn((), generator=random)) for name in phantom_anatomy.BRIGHTNESS
    }
    image = _appearance(phantom_anatomy.brightness(level, change), random=random)
    return {
        "image": image,
        "label": phantom_anatomy.labels(level),
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
