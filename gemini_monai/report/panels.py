"""A picture as SVG: pixels as they are, lines drawn over them at any zoom."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import contourpy
import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap
from PIL import Image

from gemini_monai.report.views import Array, View

MAX_SIDE = 288
SIGNED = colormaps["PuOr_r"]
GROWTH = colormaps["RdBu_r"]


@dataclass(frozen=True)
class Line:
    """Polylines (K, 2) in pixel columns and rows, drawn in one color; width in CSS pixels."""

    paths: Sequence[Array]
    color: str
    width: float = 1.4
    dash: str = ""
    opacity: float = 1.0


def panel(pixels: Array, *, view: View, alt: str, lines: Sequence[Line] = ()) -> str:
    """An ``<svg>`` of 8-bit pixels, (rows, columns) gray or (rows, columns, 3), under lines."""
    rows, columns = pixels.shape[:2]
    width, height = columns * view.pixel[0], rows * view.pixel[1]
    body = "".join(_line(line, view=view) for line in lines)
    return (
        f'<svg class="panel" role="img" aria-label="{escape(alt)}" '
        f'viewBox="0 0 {width:.2f} {height:.2f}"><title>{escape(alt)}</title>'
        f'<image width="{width:.2f}" height="{height:.2f}" preserveAspectRatio="none" '
        f'href="{_data_uri(pixels)}"/>{body}</svg>'
    )


def _line(line: Line, *, view: View) -> str:
    if not line.paths:
        return ""
    scale = np.array(view.pixel)
    strokes = []
    for path in line.paths:
        points = (np.asarray(path) + 0.5) * scale  # pixel centers lie half a pixel in
        strokes.append("M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points))
    dash = f' stroke-dasharray="{line.dash}"' if line.dash else ""
    return (
        f'<path d="{"".join(strokes)}" fill="none" stroke="{line.color}"{dash} '
        f'stroke-width="{line.width}" stroke-opacity="{line.opacity}" '
        'stroke-linejoin="round" vector-effect="non-scaling-stroke"/>'
    )


def _data_uri(pixels: Array) -> str:
    """Pixels as a data URI: lossless where they are few, JPEG where they are many."""
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    small = picture.width * picture.height <= 128 * 128
    buffer = io.BytesIO()
    picture.save(buffer, **({"format": "PNG"} if small else {"format": "JPEG", "quality": 88}))
    kind = "png" if small else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def window(*arrays: Array) -> tuple[float, float]:
    """Intensities that become black and white: the 0.5th and the 99.5th percentile of all."""
    values = np.concatenate([np.ravel(array) for array in arrays])
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = np.percentile(values, [0.5, 99.5])
    return float(low), float(max(high, low + 1e-6))


def gray(plane: Array, *, limits: tuple[float, float]) -> Array:
    """8-bit gray levels of a plane."""
    low, high = limits
    unit = np.nan_to_num((plane - low) / (high - low)).clip(0, 1)
    return (255 * unit).round().astype(np.uint8)


def signed(plane: Array, *, limit: float, colors: Colormap = SIGNED) -> Array:
    """8-bit colors of values from ``-limit`` to ``limit``, white at zero."""
    unit = (np.nan_to_num(plane) / limit).clip(-1, 1) / 2 + 0.5
    return (255 * colors(unit)[..., :3]).round().astype(np.uint8)


def outlines(mask: Array) -> list[Array]:
    """Outline of a binary plane, closed at the picture's edge."""
    return levels(np.pad(mask.astype(float), 1), [0.5], shift=-1.0)


def levels(plane: Array, values: Sequence[float], *, shift: float = 0.0) -> list[Array]:
    """Lines along which a plane has one of the values."""
    if min(plane.shape) < 2:
        return []
    generator = contourpy.contour_generator(z=np.asarray(plane, dtype=float))
    return [np.asarray(line) + shift for value in values for line in generator.lines(value)]
