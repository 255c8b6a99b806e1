"""The files that an image is made of."""

from __future__ import annotations

import re
from pathlib import Path

from gemini_monai.base.errors import InputError
from gemini_monai.images.clutter import is_clutter

HEADERS = {
    ".mhd": re.compile(rb"^\s*ElementDataFile\s*=\s*(.+?)\s*$", re.MULTILINE),
    ".nrrd": re.compile(rb"^data ?file:\s*(.+?)\s*$", re.MULTILINE | re.IGNORECASE),
}
"""What names the data of a header that lies in a file of its own."""
LONGEST = 65536
"""Bytes of a file in which its header ends."""


def parts_of(image: str | Path) -> list[Path]:
    """Files of an image or a label: itself, a header and its data, or the slices of a folder.

    A file that a header names is among them whether it is there or not.

    Raises:
        InputError: If a folder or a header cannot be read.
    """
    path = Path(image)
    try:
        if path.is_dir():
            return [
                part for part in sorted(path.iterdir()) if part.is_file() and not is_clutter(part)
            ]
        pattern = HEADERS.get(path.suffix.lower())
        return [path, *(_data_of(path, pattern) if pattern else [])]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _data_of(header: Path, pattern: re.Pattern[bytes]) -> list[Path]:
    """Files that a header refers to: one, a list below it, or names with a number in them."""
    with header.open("rb") as file:
        text = file.read(LONGEST)
    named = pattern.search(text)
    if named is None:
        return []
    words = named[1].decode(errors="replace").split()
    if words[0].upper() == "LOCAL":
        return []
    if words[0].upper() == "LIST":
        lines = text[named.end() :].decode(errors="replace").splitlines()
        return [header.parent / line.strip() for line in lines if line.strip()]
    if "%" in words[0]:
        return sorted(header.parent.glob(re.sub(r"%\d*d", "*", words[0])))
    return [header.parent / " ".join(words)]
