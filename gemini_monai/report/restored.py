"""The part of the page about restoration: what was corrupted, restored, and how it was."""

from __future__ import annotations

from html import escape
from pathlib import Path

import numpy as np

from gemini_monai.report.arms import Arm, Comparison
from gemini_monai.report.markup import note, picture_rows, section
from gemini_monai.report.overlays import Picture, Row
from gemini_monai.report.pairs import network_orientation
from gemini_monai.report.panels import gray, panel, window
from gemini_monai.report.views import Array, choose_view

ORDER = ("corrupted", "restored", "clean")
SHOWN = 2


def restoration(comparison: Comparison) -> str:
    """Triptychs of the images that pre-training watched; empty where no run restores."""
    arms = [arm for arm in comparison.arms if arm.run.restoration is not None]
    parts = [
        (f"<h3>{escape(arm.name)}</h3>" if comparison.several else "") + _triptychs(arm)
        for arm in arms
    ]
    text = (
        "The same images and the same corruption after every epoch; errors are over whole images."
    )
    return section("restoration", "Restoration", *parts, note(text)) if parts else ""


def _triptychs(arm: Arm) -> str:
    try:
        arrays = _read(arm.run.restoration)
    except OSError as error:
        return note(f"Not shown: {error}.")
    count = min(SHOWN, len(arrays["clean"]))
    return picture_rows([_row(arm, arrays, k) for k in range(count)], columns=len(ORDER))


def _read(path: Path | None) -> dict[str, Array]:
    try:
        with np.load(path) as file:  # type: ignore[arg-type]
            return {name: file[name] for name in ORDER}
    except Exception as error:  # a cut file raises one of several kinds
        raise OSError(f"{path} cannot be read") from error


def _row(arm: Arm, arrays: dict[str, Array], k: int) -> Row:
    images = {name: arrays[name][k, 0] for name in ORDER}
    clean = images["clean"]
    view = choose_view(clean.shape, {}, orientation=network_orientation(arm, axes=clean.ndim))
    limits = window(view(clean))
    pictures = []
    for name, image in images.items():
        svg = panel(gray(view(image), limits=limits), view=view, alt=f"{name} image {k + 1}")
        error = (
            "" if name == "clean" else f"mean squared error {np.square(image - clean).mean():.4f}"
        )
        pictures.append(Picture(name, svg, error))
    return Row(f"Image {k + 1}", view.caption(clean.shape), tuple(pictures))
