"""A folder of scans as a map of their features, and pictures of those that were chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from gemini_monai.report.figures.charts import WIDTH, Chart, blank, chart_of, drawing
from gemini_monai.report.figures.colors import INK, MUTED, color_of, gray_levels, window
from gemini_monai.report.figures.pictures import Panel, PanelRow, Picture
from gemini_monai.report.read.planes import choose_view
from gemini_monai.report.read.shown_volumes import load_volume

if TYPE_CHECKING:
    from gemini_monai.choosing import Choice, Scan

SHOWN = 4
"""Scans of other patients beside a chosen one that it stands for, from the nearest on."""


def choice_map(choice: Choice) -> Chart:
    """Every scan by its first two principal components, in the color of what stands for it."""
    labeled = {*choice.already, *choice.chosen}
    with drawing():
        figure = blank(WIDTH, 5.6)
        axes = figure.subplots()
        for place, part in enumerate(choice.stands_for):
            of_chosen = place >= len(choice.already)
            color = color_of(place - len(choice.already)) if of_chosen else MUTED
            others = [k for k in part if k not in labeled]
            axes.plot(*choice.plane[others].T, "o", color=color, alpha=0.5, markersize=5)
        _mark(axes, choice, choice.outstanding, "x", "stands out", color=MUTED)
        _mark(axes, choice, choice.already, "s", "labeled already", color=INK)
        _number(axes, choice)
        axes.set(xlabel="first principal component", ylabel="second", xticks=[], yticks=[])
        axes.set_title("Every scan; numbers: the order to label, in the color of what each covers")
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
        return chart_of(figure, alt="Map of all scans by their features, the chosen ones numbered.")


def _mark(
    axes: Axes, choice: Choice, places: Sequence[int], marker: str, name: str, *, color: str
) -> None:
    if len(places):
        points = choice.plane[list(places)].T
        axes.plot(*points, marker, color=color, markersize=8, label=name)


def _number(axes: Axes, choice: Choice) -> None:
    for number, k in enumerate(choice.chosen, start=1):
        x, y = choice.plane[k]
        axes.plot(x, y, "o", color=color_of(number - 1), markersize=19)
        axes.text(x, y, str(number), color="white", ha="center", va="center", weight="bold")


def chosen_rows(choice: Choice) -> list[PanelRow]:
    """A row of pictures for each chosen scan: itself, then some of others it stands for."""
    rows = []
    known = zip(choice.chosen, choice.others, choice.reasons, strict=True)
    for number, (own, others, why) in enumerate(known, start=1):
        some = np.linspace(0, len(others) - 1, min(SHOWN, len(others))).round().astype(int)
        panels = [_panel(choice, own, note=f"chosen, number {number}")]
        panels += [_panel(choice, others[k], note=_rank(k, len(others))) for k in some]
        title = f"{number}. {choice.scans[own].case}"
        rows.append(PanelRow(title=title, note=why, panels=tuple(panels)))
    return rows


def _rank(place: int, count: int) -> str:
    return "the farthest" if place == count - 1 and count > 1 else f"nearest number {place + 1}"


def outstanding_row(choice: Choice, *, most: int) -> PanelRow:
    """Pictures of the scans that stand out, the farthest first.

    Args:
        choice: Whose scans.
        most: How many at most.
    """
    places = choice.outstanding[:most]
    notes = [f"{choice.outlyingness[k]:.1f} standard deviations out" for k in places]
    panels = [_panel(choice, k, note=note) for k, note in zip(places, notes, strict=True)]
    return PanelRow(title="Farthest from all others", note="", panels=tuple(panels))


def _panel(choice: Choice, place: int, *, note: str) -> Panel:
    scan = choice.scans[place]
    try:
        picture = _scan_picture(scan, spatial_dims=choice.settings["spatial_dims"])
    except OSError as error:
        return Panel(scan.case, None, f"Not shown: {error}.")
    return Panel(scan.case, picture, note)


def _scan_picture(scan: Scan, *, spatial_dims: int) -> Picture:
    """The first channel of a scan, of a volume the slice in its middle."""
    volume = load_volume(Path(scan.image), spatial_dims=spatial_dims)
    array = volume.array[0]
    view = choose_view(array.shape, {}, orientation=volume.orientation)
    plane = view(array)
    pixels = gray_levels(plane, limits=window(plane))
    return Picture(pixels=pixels, view=view, alt=f"Image of {scan.case}")
