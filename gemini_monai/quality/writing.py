"""The trust numbers of many cases as ``quality.csv``, the doubtful ones first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import refuse_existing
from gemini_monai.base.tables import number, read_table, write_table
from gemini_monai.quality.checking import CaseQuality, Quality, StructureQuality
from gemini_monai.quality.estimate import Expectation

TABLE = "quality.csv"
PAGE = "quality.html"
COLUMNS = (
    *("look_first", "case", "structure", "expected_dice", "lower", "upper", "voxels"),
    *("flags", "image", "mask"),
)
NUMBERS = ("expected_dice", "lower", "upper", "voxels")


Checked = list[tuple[CaseQuality, Mapping[str, Any]]]
"""Cases in the order to look at them, each with its files ``image`` and ``mask``."""


def refuse_quality(folder: str | Path, *, overwrite: bool = False) -> None:
    """Stop at what is no table of this kind, or at a page without one.

    Args:
        folder: Where they would go.
        overwrite: A page may be replaced.

    Raises:
        InputError: Naming it.
    """
    if (Path(folder) / TABLE).exists():
        read_quality_table(folder)
    else:
        refuse_existing([Path(folder) / PAGE], overwrite=overwrite)


def check_cases(
    quality: Quality, data: Iterable[Mapping[str, Any]], *, given: bool = False
) -> Checked:
    """What is expected of each case's masks, to be looked at first what is worst.

    Args:
        quality: Of the run.
        data: Items with ``case``, ``image`` and ``mask``, the file of its label map.
        given: Whether that file is what is judged; else what the run finds in the image, which is
            what it wrote there.

    Raises:
        InputError: As ``Quality.check``.
    """
    found = []
    for item in tqdm(list(data), desc="trust"):
        mask = item["mask"] if given else None
        found.append((quality.check(item["image"], mask, case=item["case"]), item))
    return sorted(found, key=lambda pair: pair[0].order)


def with_those_there(checked: Checked, folder: str | Path) -> Checked:
    """With the cases that an earlier call left in the table, unless they are checked again.

    Args:
        checked: Cases of this call.
        folder: Of the table.

    Raises:
        InputError: As ``read_quality_table``.
    """
    again = {own.case for own, _ in checked}
    there = read_quality_table(folder) if (Path(folder) / TABLE).exists() else []
    kept = [pair for pair in there if pair[0].case not in again]
    return sorted([*checked, *kept], key=lambda pair: pair[0].order)


def read_quality_table(folder: str | Path) -> Checked:
    """What ``write_quality_table`` wrote.

    Raises:
        InputError: If it is no such table.
    """
    path = Path(folder) / TABLE
    cases: dict[str, list[dict[str, str]]] = {}
    for row in read_table(path, required=COLUMNS):
        cases.setdefault(row["case"], []).append(row)
    return [_case(name, rows, where=str(path)) for name, rows in cases.items()]


def _case(
    name: str, rows: list[dict[str, str]], *, where: str
) -> tuple[CaseQuality, dict[str, str]]:
    structures = []
    for row in rows:
        dice, lower, upper, voxels = (number(row, key, where=where) for key in NUMBERS)
        if not all(map(math.isfinite, (dice, lower, upper, voxels))):
            raise InputError(f"{where}: case '{name}': a number is missing; move the file away")
        expected = Expectation(dice, lower, upper)
        structures.append(StructureQuality(row["structure"], expected, int(voxels)))
    flags = [text for text in rows[0]["flags"].split("; ") if text]
    return CaseQuality(name, structures, flags), {key: rows[0][key] for key in ("image", "mask")}


def write_quality_table(checked: Checked, folder: str | Path) -> Path:
    """Write ``quality.csv``: a row for each structure of each case, whole or not at all.

    ``look_first`` counts cases from 1; ``expected_dice`` and its bounds are from 0 to 1.

    Args:
        checked: In the order of ``check_cases``.
        folder: Where it goes.

    Raises:
        InputError: If it cannot be written.
    """
    path = Path(folder) / TABLE
    rows = [row for place, own in enumerate(checked, 1) for row in _rows(place, *own)]
    write_table(path, rows, columns=COLUMNS)
    return path


def _rows(place: int, quality: CaseQuality, item: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for own in quality.structures:
        yield {
            "look_first": place,
            "case": quality.case,
            "structure": own.structure,
            "expected_dice": round(own.expected.dice, 4),
            "lower": round(own.expected.lower, 4),
            "upper": round(own.expected.upper, 4),
            "voxels": own.voxels,
            "flags": "; ".join(quality.flags),
            "image": str(Path(str(item["image"])).absolute()),
            "mask": str(Path(str(item["mask"])).absolute()),
        }
