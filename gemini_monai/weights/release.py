"""What only a person knows of released weights: ``release.json`` in the run folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gemini_monai.errors import InputError
from gemini_monai.files import read_json
from gemini_monai.limits import Check, several, text


def changes(value: Any, name: str) -> None:
    """A changelog: what is new in each version.

    Raises:
        InputError: If it is anything else.
    """
    if not isinstance(value, Mapping) or not value:
        raise InputError(f"{name}: expected versions and what is new in each, got {value!r}")
    for version, change in value.items():
        text(version, name)
        text(change, f"{name}: {version}")


FIELDS: dict[str, Check] = {
    **dict.fromkeys(("title", "authors", "version", "commit", "license", "modality"), text),
    **dict.fromkeys(("description", "data", "performance", "usage", "limitations"), text),
    "tags": several(text, least=1),
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
        InputError: If a field is unknown or of another type, or the changelog does not know the
            version.
    """
    path = Path(run) / NAME
    if not path.is_file():
        return {}
    content = read_json(path, dict)
    for name, value in content.items():
        if name not in FIELDS:
            raise InputError(f"{path}: unknown key '{name}', expected some of {', '.join(FIELDS)}")
        FIELDS[name](value, f"{path}: key '{name}'")
    if "version" in content and content["version"] not in content.get("changelog", {}):
        raise InputError(f"{path}: version {content['version']} is not in the changelog")
    return content
