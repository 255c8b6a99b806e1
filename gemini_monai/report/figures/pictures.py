"""A picture as data: pixels as they are, and the lines over them, sharp at any zoom.

The page makes SVG of it, ``readme_picture`` a part of a PNG.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import contourpy
import numpy as np
from PIL import Image

from gemini_monai.report.figures.colors import structure_color
from gemini_monai.report.figures.volumes import Volumes
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


MAX_SIDE = 288


@dataclass(frozen=True)
class Picture:
    """A plane of an image under lines.

    Attributes:
        pixels: 8-bit, (rows, columns) gray or (rows, columns, 3) in color.
        view: The plane, which knows the size of a pixel.
        alt: What is seen, for those who cannot see it.
        lines: In the order in which they are drawn.
    """

    pixels: Array
    view: View
    alt: str
    lines: Sequence[Line] = ()

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in mm."""
        rows, columns = self.pixels.shape[:2]
        return columns * self.view.pixel[0], rows * self.view.pixel[1]

    @property
    def strokes(self) -> list[tuple[Line, str]]:
        """Every line that has a path, with the path in mm as SVG writes it."""
        return [(line, self._path(line)) for line in self.lines if line.paths]

    def _path(self, line: Line) -> str:
        scale = np.array(self.view.pixel)
        strokes = []
        for path in line.paths:
            points = (np.asarray(path) + 0.5) * scale  # pixel centers lie half a pixel in
            corners = points[_turns(points)].round(2)
            strokes.append("M" + "L".join(f"{x:g} {y:g}" for x, y in corners))
        return "".join(strokes)

    @cached_property
    def data_uri(self) -> str:
        """Pixels as a data URI: lossless where they are few, JPEG where they are many."""
        picture = Image.fromarray(np.ascontiguousarray(self.pixels))
        picture.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
        small = picture.width * picture.height <= 128 * 128
        buffer = io.BytesIO()
        picture.save(buffer, **({"format": "PNG"} if small else {"format": "JPEG", "quality": 88}))
        kind = "png" if small else "jpeg"
        return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _turns(points: Array) -> Array:
    """True for both ends and where a path (K, 2) does not go straight on, (K,)."""
    steps = np.diff(points, axis=0)
    turn = steps[:-1, 0] * steps[1:, 1] - steps[:-1, 1] * steps[1:, 0]
    back = (steps[:-1] * steps[1:]).sum(axis=1) <= 0
    return np.pad(
        (np.abs(turn) > 1e-6) | back, (1, len(points) - len(turn) - 1), constant_values=True
    )


@dataclass(frozen=True)
class Panel:
    """A picture, its title and a line below; ``picture`` is None where a file was not read."""

    title: str
    picture: Picture | None
    note: str = ""


@dataclass(frozen=True)
class PanelRow:
    """The pictures of one case under its title, none where a note says why; its whole volumes."""

    title: str
    note: str
    panels: tuple[Panel, ...] = ()
    volumes: Volumes | None = None

    @property
    def shared(self) -> str:
        """Data URI of the pixels that two or more of the pictures have, empty where none do."""
        uris = [panel.picture.data_uri for panel in self.panels if panel.picture is not None]
        return next((uri for uri in uris if uris.count(uri) > 1), "")
