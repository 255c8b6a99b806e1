"""What a page is made of, as plain data; ``templates/blocks.html`` has a macro for each.

Every text is plain: the templates escape it. What a class calls ``macro`` is the macro's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from gemini_monai.report.figures.charts import Chart
from gemini_monai.report.figures.colors import PAGE_COLORS, color_of, structure_color
from gemini_monai.report.figures.pictures import PanelRow
from gemini_monai.report.figures.wording import Sentence
from gemini_monai.report.page.viewer_code import ViewerCode
from gemini_monai.report.read.comparison import Comparison


@dataclass(frozen=True)
class Cell:
    """A table cell; ``kind`` is a CSS class, ``hint`` what hovering shows."""

    text: str
    kind: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Table:
    """A table whose first column names the row; ``kind`` is a CSS class."""

    macro: ClassVar[str] = "table"
    header: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str
    kind: str


def table(
    header: Sequence[Cell | str],
    rows: Sequence[Sequence[Cell | str]],
    *,
    caption: str,
    kind: str = "",
) -> Table:
    """A table, a text being a cell without a class.

    Args:
        header: Title of each column.
        rows: As many cells each.
        caption: What the numbers are.
        kind: ``"tall"`` for one that scrolls, ``"facts"`` for one of texts.
    """
    return Table(header=_cells(header), rows=tuple(map(_cells, rows)), caption=caption, kind=kind)


def _cells(row: Sequence[Cell | str]) -> tuple[Cell, ...]:
    return tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row)


@dataclass(frozen=True)
class Lead:
    """The sentence that everybody reads."""

    macro: ClassVar[str] = "lead"
    sentence: Sentence


@dataclass(frozen=True)
class Findings:
    """The sentences after it, one to a bullet."""

    macro: ClassVar[str] = "findings"
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True)
class Tile:
    """A large number under its name; ``before`` stands, paler, before an arrow to it."""

    name: str
    text: str
    before: str = ""


@dataclass(frozen=True)
class Tiles:
    """Large numbers side by side."""

    macro: ClassVar[str] = "tiles"
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    macro: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Note:
    """A plain sentence below a heading or a picture."""

    macro: ClassVar[str] = "note"
    text: str


@dataclass(frozen=True)
class CommandLine:
    """A command as it was typed."""

    macro: ClassVar[str] = "command_line"
    text: str


@dataclass(frozen=True)
class ColorKey:
    """Which color is which thing: (name, CSS color) each."""

    macro: ClassVar[str] = "color_key"
    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ChartBlock:
    """A chart as wide as the page."""

    macro: ClassVar[str] = "chart"
    chart: Chart


@dataclass(frozen=True)
class Gallery:
    """Rows of pictures, ``columns`` beside each other.

    With ``legend``, that of deformations stands in the cell after a row's last picture.
    """

    macro: ClassVar[str] = "gallery"
    rows: tuple[PanelRow, ...]
    columns: int
    legend: bool = False


Block: TypeAlias = (
    Table | Lead | Findings | Tiles | Heading | Note | CommandLine | ColorKey | ChartBlock | Gallery
)


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        anchor: Its place in the page's address.
        name: What the navigation calls it.
        title: Its heading; none where it is empty.
        blocks: What stands in it.
    """

    anchor: str
    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """A whole page; ``meta`` is the line below its title, ``version`` that of the package.

    ``viewer`` is the code that shows volumes, for a page that has some.
    """

    title: str
    meta: str
    sections: tuple[Section, ...]
    version: str
    viewer: ViewerCode | None = None


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
