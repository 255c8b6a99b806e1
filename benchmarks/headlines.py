"""The picture of the results: differences with intervals and draws, from the tables of a page.

    python -m benchmarks.headlines docs/results.md OUTPUT.png

A row of a Markdown table counts if its last cell is a difference in points such as
``**+1.9** (+0.8 to +3.4); seeds +3.1, +0.6, +2.1``; the bracket may be missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.command import run_command
from gemini_monai.base.errors import InputError
from gemini_monai.report.figures.colors import color_of

NUMBER = r"[+-]\d+\.\d"
DIFFERENCE = re.compile(
    rf"\**(?P<mean>{NUMBER})\**(?: \((?P<low>{NUMBER}) to (?P<high>{NUMBER})\))?"
    rf"; (?:seeds|draws) (?P<draws>{NUMBER}(?:, {NUMBER})*)"
)


@dataclass(frozen=True)
class Headline:
    """One row; in points of Dice."""

    data: str
    mean: float
    interval: tuple[float, float] | None
    draws: tuple[float, ...]


def headlines(page: str) -> dict[str, list[Headline]]:
    """Rows by the title of their section, in their order.

    Args:
        page: Text of the page, Markdown.
    """
    found: dict[str, list[Headline]] = {}
    title = ""
    for line in page.splitlines():
        title = line.removeprefix("## ") if line.startswith("## ") else title
        cells = [cell.strip(" `") for cell in line.strip("|").split("|")]
        match = DIFFERENCE.fullmatch(cells[-1]) if line.startswith("|") else None
        if match is not None:
            found.setdefault(title, []).append(_headline(cells[0], match))
    return found


def plot(page: str, output: str) -> None:
    """Draw the rows of a page below one another, a panel a section, on one axis.

    Raises:
        InputError: If the page has no such row.
    """
    found = headlines(Path(page).read_text(encoding="utf-8"))
    if not found:
        raise InputError(f"{page}: no table row ends with a difference such as '+1.9; draws +1.0'")
    heights = [len(rows) + 1 for rows in found.values()]
    figure = Figure(figsize=(9, 0.36 * sum(heights) + 0.7), layout="constrained")
    panels = figure.subplots(len(found), sharex=True, squeeze=False, height_ratios=heights)
    for axes, (title, rows) in zip(panels[:, 0], found.items(), strict=True):
        _draw(axes, rows)
        axes.set_title(title, loc="left", fontsize=10)
    panels[-1, 0].set_xlabel("points of Dice against labels alone, from scratch")
    figure.savefig(output, dpi=120)
    print(output)


def _headline(data: str, match: re.Match[str]) -> Headline:
    interval = (float(match["low"]), float(match["high"])) if match["low"] else None
    draws = tuple(float(value) for value in match["draws"].split(", "))
    return Headline(data, float(match["mean"]), interval, draws)


def _draw(axes: Axes, rows: list[Headline]) -> None:
    for place, row in enumerate(rows):
        color = color_of(0)
        axes.plot(row.draws, [place] * len(row.draws), "o", color=color, alpha=0.35, markersize=5)
        if row.interval is not None:
            axes.plot(row.interval, [place] * 2, color=color, linewidth=2)
        axes.plot(row.mean, place, "|", color=color, markersize=14, markeredgewidth=3)
    axes.axvline(0, color="0.6", linewidth=1, zorder=0)
    axes.set_yticks(range(len(rows)), [row.data for row in rows], fontsize=9)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


if __name__ == "__main__":
    run_command(plot)
