"""Pictures of what a run kept: registered pairs under their deformation, and restored images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from gemini_monai.report.figures.colors import (
    GROWTH_COLORS,
    diverging_colors,
    gray_levels,
    hatched,
    window,
)
from gemini_monai.report.figures.pictures import (
    Line,
    Panel,
    PanelRow,
    Picture,
    contour_lines,
    outlines,
    structure_lines,
)
from gemini_monai.report.figures.volumes import pair_volumes
from gemini_monai.report.figures.wording import HATCHED, percent
from gemini_monai.report.read.kept_arrays import (
    REGISTERED,
    RESTORED,
    KeptPair,
    network_orientation,
    open_pair,
    overlap,
    read_restored,
)
from gemini_monai.report.read.planes import Array, choose_view
from gemini_monai.report.read.run_contents import RunContents

GRID_LINES = 18
BEYOND = 128  # gray level where the moving image was left
WORST_FIRST = ("worst", "median", "best", "first", "second")  # the last two were never tested
SHOWN_IMAGES = 2


def deformation_rows(
    run: RunContents, *, names: Sequence[str] = WORST_FIRST, scrolled: bool = False
) -> list[PanelRow]:
    """Pictures of the pairs that a run kept: tested ones worst first, else those it watched.

    Args:
        run: The run.
        names: Which of ``run.kept_pairs``, in this order; those that it did not keep are left out.
        scrolled: Whether whole volumes come with the pictures.
    """
    return [_row(run, name, scrolled=scrolled) for name in names if name in run.kept_pairs]


def _row(run: RunContents, name: str, *, scrolled: bool) -> PanelRow:
    title = f"{name.capitalize()} pair"
    try:
        pair = open_pair(run, run.kept_pairs[name])
    except OSError as error:
        return PanelRow(title=title, note=f"Not shown: {error}.")
    panels = (
        *(Panel(key, pair_picture(pair, key, name=name)) for key in REGISTERED),
        Panel("deformation grid", _grid(pair, name)),
        _difference(pair, name, title="difference before", key="moving"),
        _difference(pair, name, title="difference after", key="warped"),
        _folding(pair, name),
    )
    volumes = pair_volumes(pair) if scrolled else None
    return PanelRow(title=title, note=_note(pair), panels=panels, volumes=volumes)


def _note(pair: KeptPair) -> str:
    """Overlap where there are labels, how far voxels moved, how many folded; whole image."""
    before, after = (overlap(pair, key) for key in ("moving", "warped"))
    length = np.linalg.norm(pair.ddf.astype(float), axis=0)
    parts = [] if math.isnan(after) else [f"Dice {percent(before)} before, {percent(after)} after"]
    parts += [
        f"moved by {length.mean():.1f} voxels on average, {length.max():.1f} at most",
        f"{100 * float((pair.determinant <= 0).mean()):.2f}\u202f% of voxels folded",
        pair.view.caption(pair.determinant.shape),
        HATCHED if pair.ignored else "",
    ]
    return "; ".join(part for part in parts if part)


def _limits(pair: KeptPair) -> tuple[float, float]:
    """One intensity window for all pictures of a pair."""
    return window(*(pair.view(pair.images[key]) for key in ("moving", "fixed")))


def pair_picture(pair: KeptPair, key: str, *, name: str) -> Picture:
    """One of the three images, its own structures outlined.

    Args:
        pair: The pair.
        key: ``"moving"``, ``"fixed"`` or ``"warped"``.
        name: Which of the kept pairs it is, for those who cannot see it.
    """
    pixels = gray_levels(pair.view(pair.images[key]), limits=_limits(pair))
    if key in pair.ignored:
        pixels = hatched(pixels, pair.view(pair.ignored[key]))
    return Picture(
        pixels=pixels,
        view=pair.view,
        alt=f"{key} image of the {name} pair",
        lines=structure_lines(pair.masks[key], pair.view, width=1.3),
    )


def _grid(pair: KeptPair, name: str) -> Picture:
    """The grid over a darkened warped image."""
    warped = pair_picture(pair, "warped", name=name)
    return replace(
        warped,
        pixels=(warped.pixels * 0.6).astype(np.uint8),
        alt=f"deformation grid of the {name} pair over its warped image",
        lines=(grid_line(pair),),
    )


def grid_line(pair: KeptPair) -> Line:
    """A regular grid on the moving image, warped along with it: lines of equal position."""
    paths = []
    for axis in pair.view.kept:
        plane = pair.view(pair.positions[axis])
        size = pair.positions.shape[1 + axis]
        step = max(2, round(size / GRID_LINES))
        paths += contour_lines(plane, [float(value) for value in range(0, size, step)])
    return Line(paths, "#ffd95a", width=0.9)


def _difference(pair: KeptPair, name: str, *, title: str, key: str) -> Panel:
    """Intensity difference to the fixed image; before and after are on one scale."""
    low, high = _limits(pair)
    change = pair.view(pair.images[key]) - pair.view(pair.images["fixed"])
    inside = pair.view(pair.inbounds) if key == "warped" else np.ones_like(change) > 0
    pixels = diverging_colors(change, limit=(high - low) / 2)
    pixels[~inside] = BEYOND
    fixed = structure_lines(pair.masks["fixed"], pair.view, width=0.7, color="#000000")
    picture = Picture(
        pixels=pixels,
        view=pair.view,
        alt=f"{title}: {key} minus fixed image of the {name} pair",
        lines=tuple(replace(line, opacity=0.55) for line in fixed),
    )
    return Panel(title, picture, f"mean absolute {np.abs(change)[inside].mean():.3f}")


def _folding(pair: KeptPair, name: str) -> Panel:
    plane = pair.view(pair.determinant)
    folds = plane <= 0
    size = np.log2(np.where(folds, 1.0, plane))  # doublings: 1 is twice as large
    pixels = diverging_colors(size, limit=2.0, colors=GROWTH_COLORS)
    pixels[folds] = (0, 0, 0)
    picture = Picture(
        pixels=pixels,
        view=pair.view,
        alt=f"log Jacobian of the {name} pair, folds in black",
        lines=(Line(outlines(folds), "#000000", width=1.6),),
    )
    return Panel("folding map", picture, f"{int(folds.sum())} folded voxels here")


def triptych_rows(run: RunContents) -> list[PanelRow]:
    """The first images that a pre-training restored, none where it restored none.

    Raises:
        OSError: If the file that it left cannot be read.
    """
    if run.restoration is None:
        return []
    arrays = read_restored(run.restoration)
    count = min(SHOWN_IMAGES, len(arrays["clean"]))
    return [
        _restored_row(run, {name: arrays[name][k, 0] for name in RESTORED}, k) for k in range(count)
    ]


def _restored_row(run: RunContents, images: Mapping[str, Array], k: int) -> PanelRow:
    clean = images["clean"]
    view = choose_view(clean.shape, {}, orientation=network_orientation(run, axes=clean.ndim))
    limits = window(view(clean))
    panels = []
    for name, image in images.items():
        pixels = gray_levels(view(image), limits=limits)
        picture = Picture(pixels=pixels, view=view, alt=f"{name} image {k + 1}")
        error = np.square(image - clean).mean()
        panels.append(
            Panel(name, picture, "" if name == "clean" else f"mean squared error {error:.4f}")
        )
    return PanelRow(f"Image {k + 1}", view.caption(clean.shape), tuple(panels))
