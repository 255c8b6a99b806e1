"""The colors of charts, keys and outlines, and of planes of numbers as 8-bit pixels.

Series colors are those of Okabe and Ito, which color-blind readers tell apart. In charts, ``INK``,
``MUTED``, ``RULE`` and the series colors are stand-ins: the page puts its CSS variables in their
place.
"""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap

from gemini_monai.base.intensity import scale_bounds
from gemini_monai.report.read.planes import Array

INK = "#0a0b01"
MUTED = "#0a0b02"
RULE = "#0a0b03"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
STRUCTURE_COLORS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#d55e00", "#cc79a7", "#0072b2")
"""Outlines on gray pictures, where the theme plays no part."""
STRUCTURE_INKS = tuple(f"#0a0b{place + 16}" for place in range(len(STRUCTURE_COLORS)))
"""The same colors in charts, as stand-ins: darker on white paper, where yellow is not seen."""

IGNORED_NAME, IGNORED_COLOR = "ignored, not scored", "#9a9a9a"
"""What is hatched in pictures, among the structures of a volume."""

PAGE_COLORS = {
    **{INK: "var(--ink)", MUTED: "var(--muted)", RULE: "var(--rule)"},
    **{color: f"var(--series-{place})" for place, color in enumerate(SERIES)},
    **{color: f"var(--structure-{place})" for place, color in enumerate(STRUCTURE_INKS)},
}
"""Stand-in colors, with the CSS value that each becomes on the page."""


def color_of(place: int) -> str:
    """Series color of the arm in this place, counted from 0; they repeat after six."""
    return SERIES[place % len(SERIES)]


def structure_color(place: int) -> str:
    """Outline color of the structure in this place, counted from 0; they repeat after seven."""
    return STRUCTURE_COLORS[place % len(STRUCTURE_COLORS)]


def structure_ink(place: int) -> str:
    """Color of the same structure's line in a chart."""
    return STRUCTURE_INKS[place % len(STRUCTURE_INKS)]


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
