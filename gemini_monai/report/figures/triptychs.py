"""What pre-training restored: the corrupted image, the restored one and the clean one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gemini_monai.report.figures.pictures import Panel, PanelRow, Picture
from gemini_monai.report.figures.pixels import gray_levels, window
from gemini_monai.report.read.kept_pairs import network_orientation
from gemini_monai.report.read.planes import Array, choose_view
from gemini_monai.report.read.restored_images import RESTORED, read_restored
from gemini_monai.report.read.run_contents import RunContents

SHOWN_IMAGES = 2


def triptych_rows(run: RunContents) -> list[PanelRow]:
    """The first images that a pre-training restored, none where it restored none.

    Raises:
        OSError: If the file that it left cannot be read.
    """
    if run.restoration is None:
        return []
    arrays = read_restored(run.restoration)
    count = min(SHOWN_IMAGES, len(arrays["clean"]))
    return [_row(run, {name: arrays[name][k, 0] for name in RESTORED}, k) for k in range(count)]


def _row(run: RunContents, images: Mapping[str, Array], k: int) -> PanelRow:
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
