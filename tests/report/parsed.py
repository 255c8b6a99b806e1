"""Reads a report back: its text, its tables and what it refers to."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "br", "img", "input", "hr", "link"}


@dataclass
class Page(HTMLParser):
    """Tables by caption as rows of texts, visible text, h3 headings, attributes, unclosed tags."""

    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    text: str = ""
    headings: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str | None]] = field(default_factory=list)
    open_tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start the parser."""
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag, its attributes and where a table starts."""
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.tags.append(tag)
        if tag not in VOID:
            self.open_tags.append(tag)
        if tag == "caption":
            self._caption, self._rows = "", []
        if tag == "tr":
            self._rows.append([])
        if tag in ("td", "th"):
            self._rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the attributes of an element that closes itself."""
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data: str) -> None:
        """Collect visible text."""
        if {"style", "script"} & set(self.open_tags):
            return
        self.text += data
        if self.open_tags and self.open_tags[-1] == "h3":
            self.headings.append(data)
        if self.open_tags and self.open_tags[-1] == "caption":
            self._caption += data
        if self.open_tags and self.open_tags[-1] in ("td", "th"):
            self._rows[-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        """Close the tag; a mismatch raises."""
        assert self.open_tags.pop() == tag
        if tag == "table":
            self.tables[self._caption] = self._rows

    def table(self, start: str) -> list[list[str]]:
        """Rows, header first, of the table whose caption starts so."""
        return next(rows for caption, rows in self.tables.items() if caption.startswith(start))


def read_page(path: Path) -> Page:
    """Parse a report; it must be well formed."""
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    assert page.open_tags == []
    page.text = page.text.replace("\u202f", " ")
    return page
