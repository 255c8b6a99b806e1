"""What only a person knows of released weights: ``release.json`` in the run folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.base.limits import Check, several, text
from gemini_monai.base.trust import refuse_code

HTML = re.compile(r"<[A-Za-z/!?]")
LINK = re.compile(r"\]\s*[(:]\s*<?\s*(?!https?://|mailto:)[^\s)]*[:&]")
"""A link whose address has a scheme other than that of pages and mail, written out or not."""


def markdown(value: Any, name: str) -> None:
    """Text that is Markdown and nothing else, as whoever reads the card has a browser.

    Raises:
        InputError: If it is no text, or has HTML or a link that could run something.
    """
    text(value, name)
    if HTML.search(value) or LINK.search(value):
        raise InputError(f"{name}: expected Markdown without HTML or scripts, got {value!r:.120}")


def version(value: Any, name: str) -> None:
    """A version, which is part of the archive's name.

    Raises:
        InputError: If it is anything else.
    """
    if not isinstance(value, str) or not re.fullmatch(r"\w[\w.+-]*", value):
        raise InputError(f"{name}: expected a version such as 1.0.0, got {value!r:.120}")


def changes(value: Any, name: str) -> None:
    """A changelog: what is new in each version.

    Raises:
        InputError: If it is anything else.
    """
    if not isinstance(value, Mapping) or not value:
        raise InputError(f"{name}: expected versions and what is new in each, got {value!r}")
    for own, change in value.items():
        version(own, name)
        text(change, f"{name}: {own}")


FIELDS: dict[str, Check] = {
    **dict.fromkeys(("title", "authors", "commit", "license", "modality"), markdown),
    **dict.fromkeys(("description", "data", "performance", "usage", "limitations"), markdown),
    "tags": several(markdown, least=1),
    "version": version,
    "changelog": changes,
}
"""What ``release.json`` may say; texts are Markdown."""
NAME = "release.json"
TERMS = "data_license.txt"
"""Terms of the data that the weights were trained on, in full or by reference."""


def read_release(run: str | Path) -> dict[str, Any]:
    """What stands in ``release.json`` of a run folder, which need not be there.

    Args:
        run: The run folder.

    Returns:
        Some of ``FIELDS`` by name; empty without the file.

    Raises:
        InputError: If a field is unknown, of another type, would be evaluated where it goes, or
            holds markup, or the changelog does not know the version.
    """
    path = Path(run) / NAME
    if not path.is_file():
        return {}
    content = read_json(path, dict)
    refuse_code(content, str(path))
    for name, value in content.items():
        if name not in FIELDS:
            raise InputError(f"{path}: unknown key '{name}', expected some of {', '.join(FIELDS)}")
        FIELDS[name](value, f"{path}: key '{name}'")
    if "version" in content and content["version"] not in content.get("changelog", {}):
        raise InputError(f"{path}: version {content['version']} is not in the changelog")
    return content
