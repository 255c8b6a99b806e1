"""Headers that are text: NRRD's and MetaImage's, for what ITK passes over in them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

LONGEST = 1 << 20
"""Bytes of a header."""
MILLIMETERS = {
    **{"": 1.0, "?": 1.0, "mm": 1.0, "millimeter": 1.0, "millimeters": 1.0},
    **{"m": 1e3, "meter": 1e3, "meters": 1e3, "cm": 10.0, "centimeter": 10.0, "nm": 1e-6},
    **{"um": 1e-3, "µm": 1e-3, "μm": 1e-3, "micron": 1e-3, "microns": 1e-3, "micrometer": 1e-3},
}
"""By unit; none said is mm by custom."""


class TextHeader(NamedTuple):
    """Fields by name, and where the header ends."""

    fields: dict[str, str]
    length: int
    """Bytes, up to the data."""


def nrrd_header(path: Path) -> TextHeader:
    """Fields (``name: value``) and notes (``name:=value``) up to the first empty line."""
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        while (line := file.readline(LONGEST)).strip() and file.tell() < LONGEST:
            text = line.decode(errors="replace").rstrip("\r\n")
            name, _, value = text.partition(":")
            if not text.startswith("#") and value:
                fields[name.strip()] = value.removeprefix("=").strip()
        return TextHeader(fields, file.tell())


def meta_header(path: Path) -> TextHeader:
    """Fields (``Name = value``) up to ``ElementDataFile``, after which data begin or are listed."""
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        while (line := file.readline(LONGEST)) and file.tell() < LONGEST:
            name, _, value = line.decode(errors="replace").partition("=")
            fields[name.strip()] = value.strip()
            if name.strip() == "ElementDataFile":
                break
        return TextHeader(fields, file.tell())
