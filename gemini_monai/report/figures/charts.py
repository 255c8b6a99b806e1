"""Charts as inline SVG that follow the page's light or dark theme.

Matplotlib draws with a fixed set of stand-in colors; the SVG then gets the page's CSS variables in
their place.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from gemini_monai.report.figures.colors import INK, MUTED, PAGE_COLORS, RULE

DASHES = ("solid", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))
WIDTH = 14.6  # inches at 72 dpi, as wide as the page's column

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
    "text.parse_math": False,  # a name with two dollar signs is a name
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Chart:
    """What matplotlib drew.

    Attributes:
        alt: What is seen, for those who cannot see it.
        size: Width and height in CSS pixels.
        svg: What stands in the ``<svg>`` element. It is markup already: matplotlib has escaped the
            texts in it, and nothing else may be put here.
    """

    alt: str
    size: tuple[float, float]
    svg: str


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


def in_percent(axes: Axes, name: str) -> None:
    """An axis between 0 and 100, once drawn: all of it where all values are alike, such as 0.

    Args:
        axes: Of a chart.
        name: Of its axis, ``"x"`` or ``"y"``.
    """
    axis: Axis = getattr(axes, f"{name}axis")
    low, high = axis.get_data_interval()
    if high - low < 1:
        low, high = 0.0, 100.0
    margin = 0.05 * (high - low)
    low, high = max(low - margin, -2.0), min(high + margin, 102.0)
    ticks = axis.get_major_locator().tick_values(low, high)
    axis.set_ticks([tick for tick in ticks if max(low, 0) <= tick <= min(high, 100)])
    axes.set(**{f"{name}lim": (low, high)})


def widened(axes: Axes, *, least: float) -> None:
    """Let an x axis of differences reach as far as that to both sides, at least."""
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, -least), max(high, least))


def chart_of(figure: Figure, *, alt: str) -> Chart:
    """The figure as a chart of the page, in its colors and its font.

    Args:
        figure: One that ``blank`` made, drawn and still within ``drawing``.
        alt: What is seen, for those who cannot see it.
    """
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": alt}):  # the same run makes the same page
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    for color, variable in PAGE_COLORS.items():
        text = text.replace(color, variable)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*">', "<g>", text)  # ids would be the same in every chart
    text = re.sub(r"font-family: [^;\"<]*|'DejaVu Sans'[^;\"<]*", _font, text)
    return Chart(alt=alt, size=(72 * figure.get_figwidth(), 72 * figure.get_figheight()), svg=text)


def _font(match: re.Match[str]) -> str:
    return "font-family: inherit" if match[0].startswith("font-family") else "inherit"
