"""The colors of charts, keys and outlines.

Series colors are those of Okabe and Ito, which color-blind readers tell apart. In charts, ``INK``,
``MUTED``, ``RULE`` and the series colors are stand-ins: the page puts its CSS variables in their
place.
"""

from __future__ import annotations

INK = "#0a0b01"
MUTED = "#0a0b02"
RULE = "#0a0b03"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
STRUCTURE_COLORS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#d55e00", "#cc79a7", "#0072b2")
"""Outlines on gray pictures, where the theme plays no part."""

IGNORED_NAME, IGNORED_COLOR = "ignored, not scored", "#9a9a9a"
"""What is hatched in pictures, among the structures of a volume."""

PAGE_COLORS = {INK: "var(--ink)", MUTED: "var(--muted)", RULE: "var(--rule)"} | {
    color: f"var(--series-{place})" for place, color in enumerate(SERIES)
}
"""Stand-in colors, with the CSS value that each becomes on the page."""


def color_of(place: int) -> str:
    """Series color of the arm in this place, counted from 0; they repeat after six."""
    return SERIES[place % len(SERIES)]


def structure_color(place: int) -> str:
    """Outline color of the structure in this place, counted from 0; they repeat after seven."""
    return STRUCTURE_COLORS[place % len(STRUCTURE_COLORS)]
