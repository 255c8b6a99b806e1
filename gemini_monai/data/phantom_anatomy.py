"""An analytic chest: which structure and how bright at any point, in 2-D and 3-D."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

STRUCTURES = ("right lung", "left lung", "heart", "clavicles")

# Mean brightness of each part, air being 0; heart and body differ little, as on a radiograph.
BRIGHTNESS = {
    "body": 0.46,
    "spine": 0.60,
    "right lung": 0.22,
    "left lung": 0.22,
    "ribs": 0.12,
    "heart": 0.54,
    "clavicles": 0.62,
}


def levels(points: Tensor) -> dict[str, Tensor]:
    """Signed level of each part at each point: positive inside, about 1 at its center.

    Args:
        points: Coordinates in [-1, 1], (N, *S); the first axis runs left to right, the last one
            head to foot, and in 3-D the middle one front to back.

    Returns:
        One (*S) tensor per part of ``BRIGHTNESS``.
    """
    heart = _ellipsoid(points, center=(0.12, -0.1, 0.27), radii=(0.33, 0.36, 0.27), tilt=0.45)
    lungs = {
        "right lung": _ellipsoid(points, center=(-0.40, 0.0, -0.08), radii=(0.27, 0.52, 0.56)),
        "left lung": _ellipsoid(points, center=(0.42, 0.0, -0.08), radii=(0.25, 0.52, 0.54)),
    }
    return {
        "body": _ellipsoid(points, center=(0.0, 0.0, 0.1), radii=(0.86, 0.74, 1.0)),
        "spine": _ellipsoid(points, center=(0.0, 0.45, 0.1), radii=(0.09, 0.14, 2.0)),
        **{name: torch.minimum(level, -heart) for name, level in lungs.items()},
        "ribs": torch.minimum(torch.maximum(*lungs.values()) + 0.25, _rib_bands(points)),
        "heart": heart,
        "clavicles": torch.maximum(
            _bar(points, start=(-0.08, -0.3, -0.50), end=(-0.62, -0.2, -0.66)),
            _bar(points, start=(0.08, -0.3, -0.50), end=(0.62, -0.2, -0.66)),
        ),
    }


def labels(level: Mapping[str, Tensor]) -> Tensor:
    """Index map (*S), uint8: 0 background, then ``STRUCTURES``; later ones lie over earlier."""
    result = torch.zeros_like(level["heart"], dtype=torch.uint8)
    for value, name in enumerate(STRUCTURES, start=1):
        result[level[name] > 0] = value
    return result


def brightness(level: Mapping[str, Tensor], change: Mapping[str, float]) -> Tensor:
    """Image (*S) of the parts, each brighter or darker by its ``change``; edges a voxel wide."""
    image = torch.zeros_like(level["body"])
    for name, mean in BRIGHTNESS.items():
        cover = torch.sigmoid(level[name] * 25)
        value = mean + change.get(name, 0.0)
        # Ribs and clavicles add up with what lies behind them, as in a projection.
        image = (
            image + cover * value * 0.4
            if name in ("ribs", "clavicles")
            else (image * (1 - cover) + cover * value)
        )
    return image


def _placed(points: Tensor, center: tuple[float, float, float]) -> list[Tensor]:
    """Coordinates (across, depth, height) from a center; depth is the center's own in 2-D."""
    across, height = points[0] - center[0], points[-1] - center[2]
    depth = points[1] - center[1] if len(points) == 3 else torch.zeros_like(across)
    return [across, depth, height]


def _ellipsoid(
    points: Tensor,
    *,
    center: tuple[float, float, float],
    radii: tuple[float, float, float],
    tilt: float = 0.0,
) -> Tensor:
    across, depth, height = _placed(points, center)
    cos, sin = float(torch.cos(torch.tensor(tilt))), float(torch.sin(torch.tensor(tilt)))
    turned = [cos * across + sin * height, depth, cos * height - sin * across]
    distance = sum((axis / radius) ** 2 for axis, radius in zip(turned, radii, strict=True))
    return 1 - torch.as_tensor(distance).sqrt()


def _bar(
    points: Tensor, *, start: tuple[float, float, float], end: tuple[float, float, float]
) -> Tensor:
    """A rod of radius 0.05 from ``start`` to ``end``."""
    offset = torch.stack(_placed(points, start))
    along = torch.tensor(end, dtype=points.dtype) - torch.tensor(start, dtype=points.dtype)
    if len(points) == 2:
        along[1] = 0
    along = along.view(-1, *[1] * (points.ndim - 1))
    share = ((offset * along).sum(0) / (along * along).sum()).clamp(0, 1)
    return 1 - (offset - share * along).norm(dim=0) / 0.05


def _rib_bands(points: Tensor) -> Tensor:
    """Positive on curved bands, seven from top to bottom."""
    across, height = points[0], points[-1]
    return torch.sin(7 * torch.pi * (height + 0.5 * (across.abs() - 0.4) ** 2)) - 0.6
