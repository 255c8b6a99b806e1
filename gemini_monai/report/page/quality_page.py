"""The page of trust numbers: which masks to look at first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gemini_monai
from gemini_monai.base.files import write_text
from gemini_monai.report.figures.colors import gray_levels, structure_color, window
from gemini_monai.report.figures.pictures import Panel, PanelRow, Picture, structure_lines
from gemini_monai.report.figures.wording import Strong, percent, plural, sentence
from gemini_monai.report.page.elements import (
    Block,
    Cell,
    ColorKey,
    Gallery,
    Lead,
    Note,
    Page,
    Section,
    table,
)
from gemini_monai.report.page.rendering import render
from gemini_monai.report.read.planes import choose_view
from gemini_monai.report.read.shown_volumes import load_masks, load_volume

if TYPE_CHECKING:
    from gemini_monai.quality import CaseQuality
    from gemini_monai.transforms import InputSpec

SHOWN = 12
"""Cases with a picture."""
COLUMNS = 4
Checked = Sequence[tuple["CaseQuality", Mapping[str, Any]]]


def write_quality_page(
    checked: Checked, output: str | Path, *, spec: InputSpec, validated: bool, images: bool = True
) -> Path:
    """Write the page: one self-contained HTML file.

    Args:
        checked: Cases in the order to look at them, each with its files ``image`` and ``mask``.
        output: The page.
        spec: What labels mean.
        validated: Whether the numbers were learned from images that were not trained on, too.
        images: Whether it shows images of the data.

    Raises:
        InputError: If it cannot be written.
    """
    output = Path(output)
    page = quality_page(checked, spec=spec, validated=validated)
    write_text(output, render(page, images=images))
    return output


def quality_page(checked: Checked, *, spec: InputSpec, validated: bool) -> Page:
    """The whole page as plain data.

    Args:
        checked: As of ``write_quality_page``.
        spec: As there.
        validated: As there.
    """
    names = [(name, structure_color(place)) for place, name in enumerate(spec.structures)]
    panels = tuple(_panel(*own, spec=spec) for own in checked[:SHOWN])
    rows = [panels[k : k + COLUMNS] for k in range(0, len(panels), COLUMNS)]
    gallery = Gallery(tuple(PanelRow("", "", own) for own in rows), columns=COLUMNS)
    return Page(
        title="Look at these first",
        meta=f"{plural(len(checked), 'case')}, the most doubtful ones first",
        sections=(
            Section("cases", "Cases", "", tuple(_cases(checked, validated=validated))),
            Section("pictures", "Pictures", "The first of them", (ColorKey(tuple(names)), gallery)),
        ),
        version=gemini_monai.__version__,
    )


def _cases(checked: Checked, *, validated: bool) -> Iterator[Block]:
    flagged = sum(bool(own.flags) for own, _ in checked)
    first = [own.case for own, _ in checked[:3]]
    yield Lead(sentence("First ", Strong(", ".join(first)), "."))
    if flagged:
        yield Note(
            f"{flagged} of {plural(len(checked), 'case')} look unlike the images trained on: their "
            "numbers mean little, so they come first."
        )
    if not validated:
        yield Note(
            "There were no validation images: the numbers are learned from images that were "
            "trained on, so expect less, and take them for an order."
        )
    structures = [own.structure for own in checked[0][0].structures] if checked else []
    header = ["case", "expected mean", *structures, "stands out"]
    rows = [_row(place, own) for place, (own, _) in enumerate(checked, 1)]
    caption = "Expected Dice of each mask, and the interval that eight of ten are to lie in, in %."
    yield table(header, rows, caption=caption, kind="tall")


def _row(place: int, quality: CaseQuality) -> list[Cell | str]:
    cells: list[Cell | str] = [f"{place}. {quality.case}", percent(quality.expected)]
    for own in quality.structures:
        expected = own.expected
        bounds = f"{100 * expected.lower:.0f} to {100 * expected.upper:.0f}"
        text = f"{100 * expected.value:.0f} ({bounds})" if own.voxels else "not found"
        cells.append(Cell(text, hint=f"{plural(own.voxels, 'voxel')}"))
    return [*cells, "; ".join(quality.flags)]


def _panel(quality: CaseQuality, files: Mapping[str, Any], *, spec: InputSpec) -> Panel:
    note = "; ".join([f"expected {percent(quality.expected)}", *quality.flags])
    try:
        picture = _picture(quality.case, files, spec=spec)
    except OSError as error:
        return Panel(quality.case, None, f"{note}. Not shown: {error}.")
    return Panel(quality.case, picture, note)


def _picture(case: str, files: Mapping[str, Any], *, spec: InputSpec) -> Picture:
    """The first channel under the outlines of the masks."""
    volume = load_volume(Path(str(files["image"])), spatial_dims=spec.spatial_dims)
    masks = files["mask"] if isinstance(files["mask"], list) else [files["mask"]]
    values = dict(zip(spec.structures, list(spec.label_values)[1:], strict=False))
    if spec.overlapping:
        values = {name: place for place, name in enumerate(spec.structures, 1)}
    paths = [Path(str(own)) for own in masks]
    found = load_masks(paths, values=values, spatial_dims=spec.spatial_dims)
    array = volume.array[0]
    view = choose_view(array.shape, found, orientation=volume.orientation)
    plane = view(array)
    lines = structure_lines(found, view, width=1.6)
    pixels = gray_levels(plane, limits=window(plane))
    return Picture(pixels=pixels, view=view, alt=f"Masks of {case}", lines=lines)
