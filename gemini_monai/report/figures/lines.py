"""Lines over a picture: outlines of structures, and lines along which a plane has one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import contourpy
import numpy as np

from gemini_monai.report.figures.ink import structure_color
from gemini_monai.report.read.planes import Array, Masks, View


@dataclass(frozen=True)
class Line:
    """Polylines of one color.

    Attributes:
        paths: Points (K, 2) each, in pixel columns and rows; the first pixel's center is (0, 0).
        color: A CSS color.
        width: In CSS pixels, at any zoom.
        dashed: Three pixels drawn, three left out.
        opacity: 0 to 1.
    """

    paths: Sequence[Array]
    color: str
    width: float = 1.4
    dashed: bool = False
    opacity: float = 1.0


def structure_lines(
    masks: Masks, view: View, *, width: float, color: str = "", dashed: bool = False
) -> tuple[Line, ...]:
    """Outline of each structure.

    Args:
        masks: Binary masks (*S) in the structures' order.
        view: The plane that is shown.
        width: In CSS pixels.
        color: A CSS color for all; by default each structure has its own.
        dashed: Whether the lines are.
    """
    return tuple(
        Line(outlines(view(mask)), color or structure_color(place), width=width, dashed=dashed)
        for place, mask in enumerate(masks.values())
    )


def outlines(mask: Array) -> list[Array]:
    """Outlines of a binary plane (rows, columns), closed at its edge; points (K, 2) each."""
    return [path - 1.0 for path in contour_lines(np.pad(mask.astype(float), 1), [0.5])]


def contour_lines(plane: Array, values: Sequence[float]) -> list[Array]:
    """Lines along which a plane (rows, columns) has one of the values.

    Returns:
        Points (K, 2) each, in columns and rows; none where a side is shorter than two pixels.
    """
    if min(plane.shape) < 2:
        return []
    generator = contourpy.contour_generator(z=np.asarray(plane, dtype=float))
    return [np.asarray(line) for value in values for line in generator.lines(value)]
