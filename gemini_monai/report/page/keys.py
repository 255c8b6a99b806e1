"""Which color is what: arms in charts, structures over pictures."""

from __future__ import annotations

from gemini_monai.report.figures.ink import PAGE_COLORS, color_of, structure_color
from gemini_monai.report.page.elements import ColorKey
from gemini_monai.report.read.comparison import Comparison


def arm_key(comparison: Comparison) -> list[ColorKey]:
    """Color of each arm; nothing where there is one."""
    if len(comparison.arms) < 2:
        return []
    entries = tuple((arm.name, PAGE_COLORS[color_of(arm.place)]) for arm in comparison.arms)
    return [ColorKey(entries)]


def structure_key(comparison: Comparison) -> ColorKey:
    """Outline color of each structure."""
    names = comparison.first.run.structures
    return ColorKey(tuple((name, structure_color(place)) for place, name in enumerate(names)))
