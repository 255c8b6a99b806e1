"""What a person's own files say of the values of labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gemini_monai.base import limits
from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.base.limits import IGNORE


class Declared(NamedTuple):
    """What the values of label maps mean, as far as somebody says it."""

    values: dict[str, int] | None = None
    """Of every structure, background included."""
    ignore: int | None = None
    """Of voxels that do not count."""
    regions: dict[str, tuple[int, ...]] | None = None
    """In the place of ``values``: those that make up each structure, which may overlap."""


def declared_names(path: Path) -> Declared:
    """What ``labels.json`` says, written either way round; nothing without the file.

    Raises:
        InputError: If it is not a JSON object of names and whole numbers.
    """
    return named_values(read_json(path, dict), where=str(path)) if path.is_file() else Declared()


def named_values(content: Any, *, where: str) -> Declared:
    """Names and values of structures, given as ``{"heart": 1}`` or as ``{"1": "heart"}``.

    ``ignore`` names what is no structure but does not count. Lists, ``{"tumor": [1, 2]}``, are
    regions, which may overlap, where one of them has two values or more; both as in nnU-Net.

    Raises:
        InputError: If it is neither, or a name or a value is there twice.
    """
    names: dict[str, tuple[int, ...]] = {}
    ignore: list[int] = []
    for name, numbers in _entries(content, where):
        if name.strip().lower() == IGNORE:
            ignore += numbers
        elif name in names:
            raise InputError(f"{where}: '{name}' is there twice")
        else:
            names[name] = numbers
    if len(ignore) > 1:
        raise InputError(f"{where}: '{IGNORE}' must be one value, got {ignore}")
    declared = Declared(ignore=ignore[0] if ignore else None)
    if not names and ignore:
        return declared
    if any(len(numbers) > 1 for numbers in names.values()):
        return declared._replace(regions=_regions(names, declared.ignore, where))
    foreground = {name: numbers[0] for name, numbers in names.items() if numbers != (0,)}
    values = {"background": 0, **foreground}
    limits.label_values(values, where, overlapping=False)
    limits.ignored_value(declared.ignore, f"{where}: '{IGNORE}'", labels=values, overlapping=False)
    return declared._replace(values=values)


def _entries(content: Any, where: str) -> list[tuple[str, tuple[int, ...]]]:
    """Names and the values of each, whichever way round."""
    expected = f'{where}: expected names and values like {{"heart": 1}}'
    if not isinstance(content, Mapping):
        raise InputError(f"{expected}, got {content!r:.80}")
    entries = []
    for key, value in content.items():
        name, given = (value, key) if isinstance(value, str) and _is_number(key) else (key, value)
        numbers = tuple(map(_number, given if isinstance(given, (list, tuple)) else [given]))
        if not isinstance(name, str) or not numbers or None in numbers:
            raise InputError(f"{expected}, got {key!r}: {value!r}")
        entries.append((name, tuple(number for number in numbers if number is not None)))
    return entries


def _number(value: Any) -> int | None:
    if isinstance(value, str) and _is_number(value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_number(text: str) -> bool:
    return text.strip().lstrip("-").isdigit()


def _regions(
    names: Mapping[str, tuple[int, ...]], ignore: int | None, where: str
) -> dict[str, tuple[int, ...]]:
    regions = {name: numbers for name, numbers in names.items() if numbers != (0,)}
    limits.label_values({name: k for k, name in enumerate(regions)}, where, overlapping=True)
    for name, numbers in regions.items():
        for number in numbers:
            limits.whole(1)(number, f"{where}: '{name}'")
        if ignore in numbers:
            raise InputError(f"{where}: {ignore} is a value of '{name}' and of '{IGNORE}'")
    return regions
