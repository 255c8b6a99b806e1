"""Planes of numbers as 8-bit pixels."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap

from gemini_monai.base.intensity import scale_bounds
from gemini_monai.report.read.planes import Array

SHOWN = {"kind": "percentile", "lower": 0.5, "upper": 99.5}
DIFFERENCE_COLORS = colormaps["PuOr_r"]
GROWTH_COLORS = colormaps["RdBu_r"]


def window(*arrays: Array) -> tuple[float, float]:
    """Intensities that become black and white: the 0.5th and the 99.5th percentile of all.

    Those of what differs from the background where they are one value, as for the network. Values
    that are not finite are left out; without any it is 0 to 1.
    """
    values = np.concatenate([np.ravel(array) for array in arrays])
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    if values.min() == values.max():
        return float(values[0]), float(values[0]) + 1e-6
    low, high = scale_bounds(values, SHOWN, name="picture")
    return float(low), float(max(high, low + 1e-6))


def gray_levels(plane: Array, *, limits: tuple[float, float]) -> Array:
    """A plane (rows, columns) as 8-bit gray levels, black and white at the limits and beyond."""
    low, high = limits
    unit = np.nan_to_num((plane - low) / (high - low)).clip(0, 1)
    return (255 * unit).round().astype(np.uint8)


def diverging_colors(plane: Array, *, limit: float, colors: Colormap = DIFFERENCE_COLORS) -> Array:
    """A plane (rows, columns) as 8-bit colors (rows, columns, 3).

    Args:
        plane: Values around zero, which is white.
        limit: Value of the last color; that of the first is ``-limit``.
        colors: A diverging color map.
    """
    unit = (np.nan_to_num(plane) / limit).clip(-1, 1) / 2 + 0.5
    return (255 * colors(unit)[..., :3]).round().astype(np.uint8)


def hatched(pixels: Array, plane: Array) -> Array:
    """Gray pixels (rows, columns) under diagonals where a binary plane is set."""
    rows, columns = np.indices(pixels.shape)
    period = max(6, max(pixels.shape) // 36)
    lines = (rows + columns) % period < period / 3
    shaded = np.where(lines, 176, pixels // 2 + 48).astype(np.uint8)
    return np.where(plane, shaded, pixels)
