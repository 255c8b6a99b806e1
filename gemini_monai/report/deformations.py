"""Pictures of registered pairs: what was warped onto what, by which grid, and where it folds."""

from __future__ import annotations

import math

import numpy as np

from gemini_monai.report.arms import Arm
from gemini_monai.report.format import percent
from gemini_monai.report.overlays import Picture, Row, structure_color
from gemini_monai.report.pairs import Example, open_example, overlap, structure_masks
from gemini_monai.report.panels import (
    GROWTH,
    Line,
    gray,
    levels,
    outlines,
    panel,
    signed,
    window,
)

GRID_LINES = 18
OUTSIDE = 128  # gray level where the moving image was left
ORDER = ("worst", "median", "best", "first", "second")  # the last two were never tested


def deformation_rows(arm: Arm, *, names: tuple[str, ...] = ORDER) -> list[Row]:
    """Pictures of the pairs that a run kept: tested ones worst first, else those it watched."""
    return [_row(arm, name) for name in names if name in arm.run.examples]


def _row(arm: Arm, name: str) -> Row:
    title = f"{name.capitalize()} pair"
    try:
        example = open_example(arm, arm.run.examples[name])
    except OSError as error:
        return Row(title=title, note=f"Not shown: {error}.", pictures=())
    pictures = (
        *_images(arm, example, name),
        _grid(example, name),
        *_differences(arm, example, name),
        _folding(example, name),
    )
    return Row(title=title, note=_note(arm, example), pictures=pictures)


def _note(arm: Arm, example: Example) -> str:
    """Overlap where there are labels, how far voxels moved, how many folded; whole image."""
    before, after = (overlap(arm, example, f"{name}_label") for name in ("moving", "warped"))
    length = np.linalg.norm(example.arrays["ddf"].astype(float), axis=0)
    parts = [] if math.isnan(after) else [f"Dice {percent(before)} before, {percent(after)} after"]
    parts += [
        f"moved by {length.mean():.1f} voxels on average, {length.max():.1f} at most",
        f"{100 * float((example.determinant <= 0).mean()):.2f}\u202f% of voxels folded",
        example.view.caption(example.determinant.shape),
    ]
    return "; ".join(part for part in parts if part)


def _limits(example: Example) -> tuple[float, float]:
    """One intensity window for all pictures of a pair."""
    return window(*(example.view(example.arrays[key][0]) for key in ("moving", "fixed")))


def _images(arm: Arm, example: Example, name: str) -> list[Picture]:
    """The three images with their own labels' outlines."""
    pictures = []
    for key in ("moving", "fixed", "warped"):
        pixels = gray(example.view(example.arrays[key][0]), limits=_limits(example))
        lines = label_lines(arm, example, f"{key}_label")
        svg = panel(pixels, view=example.view, alt=f"{key} image of the {name} pair", lines=lines)
        pictures.append(Picture(key, svg))
    return pictures


def _differences(arm: Arm, example: Example, name: str) -> list[Picture]:
    """Intensity differences to the fixed image, before and after, on one scale."""
    low, high = _limits(example)
    lines = [
        Line(line.paths, "#000000", width=0.7, opacity=0.55)
        for line in label_lines(arm, example, "fixed_label")
    ]
    pictures = []
    for title, key in (("difference before", "moving"), ("difference after", "warped")):
        change = example.view(example.arrays[key][0]) - example.view(example.arrays["fixed"][0])
        inside = example.view(example.inbounds) if key == "warped" else np.ones_like(change) > 0
        pixels = signed(change, limit=(high - low) / 2)
        pixels[~inside] = OUTSIDE
        alt = f"{title}: {key} minus fixed image of the {name} pair"
        svg = panel(pixels, view=example.view, alt=alt, lines=lines)
        pictures.append(Picture(title, svg, f"mean absolute {np.abs(change)[inside].mean():.3f}"))
    return pictures


def _grid(example: Example, name: str) -> Picture:
    """The grid over a darkened warped image."""
    pixels = gray(example.view(example.arrays["warped"][0]), limits=_limits(example))
    alt = f"deformation grid of the {name} pair over its warped image"
    dark = (pixels * 0.6).astype(np.uint8)
    return Picture(
        "deformation grid", panel(dark, view=example.view, alt=alt, lines=grid_lines(example))
    )


def label_lines(arm: Arm, example: Example, name: str) -> list[Line]:
    """Outline of each structure of one of the pair's labels."""
    masks = structure_masks(arm, example.arrays, name)
    return [
        Line(outlines(example.view(mask)), structure_color(place), width=1.3)
        for place, mask in enumerate(masks.values())
    ]


def grid_lines(example: Example, *, color: str = "#ffd95a") -> list[Line]:
    """A regular grid on the moving image, warped along with it: lines of equal position."""
    paths = []
    for axis in example.view.kept:
        plane = example.view(example.positions[axis])
        size = example.positions.shape[1 + axis]
        step = max(2, round(size / GRID_LINES))
        paths += levels(plane, [float(value) for value in range(0, size, step)])
    return [Line(paths, color, width=0.9)]


def _folding(example: Example, name: str) -> Picture:
    plane = example.view(example.determinant)
    folds = plane <= 0
    size = np.log2(np.where(folds, 1.0, plane))  # doublings: 1 is twice as large
    pixels = signed(size, limit=2.0, colors=GROWTH)
    pixels[folds] = (0, 0, 0)
    alt = f"log Jacobian of the {name} pair, folds in black"
    svg = panel(pixels, view=example.view, alt=alt, lines=[Line(outlines(folds), "#000000", 1.6)])
    return Picture("folding map", svg, f"{int(folds.sum())} folded voxels here")
