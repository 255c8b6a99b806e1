"""Charts as inline SVG that follow the page's light or dark theme.

Matplotlib draws with a fixed set of stand-in colors; the SVG then gets the page's CSS variables in
their place. Series colors are those of Okabe and Ito, which color-blind readers tell apart.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

INK = "#0a0b01"
MUTED = "#0a0b02"
RULE = "#0a0b03"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
STRUCTURES = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#d55e00", "#cc79a7", "#0072b2")
"""Contours on gray pictures, where the theme plays no part."""

DASHES = ("solid", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))
WIDTH = 14.6  # inches at 72 dpi, as wide as the page's column

_VARIABLES = {INK: "var(--ink)", MUTED: "var(--muted)", RULE: "var(--rule)"} | {
    color: f"var(--series-{place})" for place, color in enumerate(SERIES)
}
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 12,
    "axes.titlesize": 13,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
}


def color_of(place: int) -> str:
    """Series color of the arm in this place."""
    return SERIES[place % len(SERIES)]


@contextmanager
def drawing() -> Iterator[None]:
    """Matplotlib settings of every chart, for drawing and for writing."""
    with matplotlib.rc_context(_SETTINGS):
        yield


def blank(width: float, height: float) -> Figure:
    """A figure in inches (72 to the inch become CSS pixels) that no window knows of."""
    figure = Figure(figsize=(width, height), dpi=72, layout=None)
    figure.set_layout_engine(ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.06, hspace=0.04))
    return figure


def tidy(axes: Axes) -> None:
    """Few ticks, no vertical grid: the eye compares heights."""
    axes.grid(visible=False, axis="x")
    axes.locator_params(axis="y", nbins=5)
    axes.locator_params(axis="x", nbins=5)


def inline_svg(figure: Figure, *, alt: str) -> str:
    """The figure as an ``<svg>`` element with its description for those who cannot see it."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": alt}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    for color, variable in _VARIABLES.items():
        text = text.replace(color, variable)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*">', "<g>", text)  # ids would be the same in every chart
    text = re.sub(r"font-family: [^;\"]*|'DejaVu Sans'[^;\"]*", _font, text)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    width = figure.get_figwidth() * 72
    described = f'role="img" aria-label="{escape(alt)}"'
    opening = f'<svg class="chart" {described} style="width:{width:.0f}px"'
    return text.replace("<svg", opening, 1)


def _font(match: re.Match[str]) -> str:
    return "font-family: inherit" if match[0].startswith("font-family") else "inherit"
