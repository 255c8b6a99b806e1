"""Small pieces of HTML; every text is escaped here unless its name says html."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from gemini_monai.report.arms import Comparison
from gemini_monai.report.overlays import Picture, Row


@dataclass(frozen=True)
class Cell:
    """A table cell; ``kind`` is a CSS class, ``hint`` what hovering shows."""

    text: str
    kind: str = ""
    hint: str = ""


def table(
    header: Sequence[Cell | str],
    rows: Sequence[Sequence[Cell | str]],
    *,
    caption: str,
    kind: str = "",
) -> str:
    """A table whose first column names the row."""
    names = [name if isinstance(name, Cell) else Cell(name) for name in header]
    head = "".join(f"<th{_attributes('col', name)}>{escape(name.text)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(_cells(row))}</tr>" for row in rows)
    return (
        f'<div class="scroll {kind}"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cells(row: Sequence[Cell | str]) -> list[str]:
    cells = [cell if isinstance(cell, Cell) else Cell(cell) for cell in row]
    tags = ["th", *["td"] * (len(cells) - 1)]
    return [
        f"<{tag}{_attributes('row' if tag == 'th' else '', cell)}>{escape(cell.text)}</{tag}>"
        for tag, cell in zip(tags, cells, strict=True)
    ]


def _attributes(scope: str, cell: Cell) -> str:
    scope = f' scope="{scope}"' if scope else ""
    kind = f' class="{cell.kind}"' if cell.kind else ""
    hint = f' title="{escape(cell.hint)}"' if cell.hint else ""
    return scope + kind + hint


def note(text: str) -> str:
    """A plain sentence below a heading or a picture."""
    return f'<p class="note">{escape(text)}</p>'


def section(identity: str, title: str, *body_html: str) -> str:
    """A part of the page with its own anchor."""
    return f'<section id="{identity}"><h2>{escape(title)}</h2>{"".join(body_html)}</section>'


def figure(svg: str, *, caption_html: str = "") -> str:
    """A chart with a caption."""
    caption = f"<figcaption>{caption_html}</figcaption>" if caption_html else ""
    return f'<figure class="wide">{svg}{caption}</figure>'


def arm_key(comparison: Comparison) -> str:
    """Which color is which arm; nothing where there is one."""
    if len(comparison.arms) < 2:
        return ""
    chips = "".join(
        f'<li><span class="chip" style="background:var(--series-{arm.place % 6})"></span>'
        f"{escape(arm.name)}</li>"
        for arm in comparison.arms
    )
    return f'<ul class="key">{chips}</ul>'


def color_key(entries: Sequence[tuple[str, str]]) -> str:
    """Which fixed color is which thing: (name, CSS color)."""
    chips = "".join(
        f'<li><span class="chip" style="background:{color}"></span>{escape(name)}</li>'
        for name, color in entries
    )
    return f'<ul class="key">{chips}</ul>'


def picture_rows(rows: Sequence[Row], *, columns: int, legend_html: str = "") -> str:
    """Rows of pictures, each under its title, with a legend in the cell after the last one."""
    return "".join(
        f'<div class="case"><h3>{escape(row.title)} <span>{escape(row.note)}</span></h3>'
        f'<div class="panels" style="--columns:{columns}">'
        f"{''.join(_picture(picture) for picture in row.pictures)}"
        f"{legend_html if row.pictures else ''}</div></div>"
        for row in rows
    )


def _picture(picture: Picture) -> str:
    body = picture.svg or '<div class="panel empty"></div>'
    small = f"<small>{escape(picture.note)}</small>" if picture.note else ""
    return f"<figure>{body}<figcaption>{escape(picture.title)}{small}</figcaption></figure>"
