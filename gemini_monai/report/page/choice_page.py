"""The page of a choice: what to label, why, and how it looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import gemini_monai
from gemini_monai.base.files import refuse_existing, write_text
from gemini_monai.report.figures.choice_map import (
    SHOWN,
    choice_map,
    chosen_rows,
    outstanding_row,
)
from gemini_monai.report.figures.wording import Strong, percent, plural, sentence
from gemini_monai.report.page.elements import (
    Block,
    ChartBlock,
    Gallery,
    Lead,
    Note,
    Page,
    Section,
    table,
)
from gemini_monai.report.page.rendering import render

if TYPE_CHECKING:
    from gemini_monai.choosing import Choice, Scan

HEADER = ("scan, in this order", "why", "distance left")
MOST = 12
"""Scans that stand out and have a picture."""


def write_choice_page(
    choice: Choice, output: str | Path, *, images: bool = True, overwrite: bool = False
) -> Path:
    """Write the page of a choice: one self-contained HTML file.

    Args:
        choice: What was chosen.
        output: The page.
        images: Whether it shows images of the data.
        overwrite: It may replace another file.

    Raises:
        InputError: If it is there already or cannot be written.
    """
    output = Path(output)
    refuse_existing([output], overwrite=overwrite)
    write_text(output, render(choice_page(choice), images=images))
    return output


def choice_page(choice: Choice) -> Page:
    """The whole page as plain data.

    Args:
        choice: What was chosen.
    """
    settings = choice.settings
    by = f"{settings['strategy']} on {settings['features']} features"
    if "pretrained" in settings:
        by += f" of {settings['pretrained']}"
    pictures = Gallery(tuple(chosen_rows(choice)), columns=SHOWN + 1)
    return Page(
        title=f"Label these {plural(len(choice.chosen), 'scan')} first",
        meta=f"{plural(len(choice.scans), 'scan')} of {settings['data']}, by {by}",
        sections=(
            Section("chosen", "Chosen", "", tuple(_chosen(choice))),
            Section("map", "Map", "The folder as a map", (ChartBlock(choice_map(choice)),)),
            Section("pictures", "Pictures", "Each with some it stands for", (pictures,)),
            Section("outstanding", "Standing out", "Scans that stand out", tuple(_out(choice))),
        ),
        version=gemini_monai.__version__,
    )


def _chosen(choice: Choice) -> Iterator[Block]:
    yield Lead(sentence("In this order: ", Strong(", ".join(choice.cases)), "."))
    scans = [choice.scans[k] for k in choice.chosen]
    known = zip(scans, choice.reasons, choice.distances_left, strict=True)
    rows = [
        [f"{order}. {_named(scan)}", why, percent(left)]
        for order, (scan, why, left) in enumerate(known, start=1)
    ]
    caption = (
        "Distance left: mean distance from a scan to the nearest labeled one, once this one is "
        "labeled too; 100 % is the mean distance between two scans. Scans of one patient count as "
        "one."
    )
    yield table(HEADER, rows, caption=caption, kind="facts")
    if choice.already:
        yield Note(f"{plural(len(choice.already), 'scan')} labeled already, never chosen again.")


def _named(scan: Scan) -> str:
    """Its case, and its patient where that has another name."""
    return scan.case if scan.patient == scan.case else f"{scan.case} of {scan.patient}"


def _out(choice: Choice) -> Iterator[Block]:
    places = choice.outstanding
    if not places:
        yield Note("No scan stands out.")
        return
    yield Note(
        f"{plural(len(places), 'scan')} far from all others: look at them, and leave out what is "
        "damaged, mirrored or of another organ. None of them is chosen."
    )
    yield Gallery((outstanding_row(choice, most=MOST),), columns=min(MOST, 6))
    yield Note("All of them: " + ", ".join(choice.scans[k].case for k in places) + ".")
