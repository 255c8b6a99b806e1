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
from gemini_monai.transforms.structure_volumes import MEASURES, CaseTable, Row

TABLE = "quality.csv"
PAGE = "quality.html"
COLUMNS = (
    *("look_first", "case", "structure", "expected_dice", "lower", "upper", "voxels"),
    *("true_size", "true_size_lower", "true_size_upper", "flags", "image", "mask"),
)
NUMBERS = ("expected_dice", "lower", "upper", "voxels")
SIZES = ("true_size", "true_size_lower", "true_size_upper")
"""As multiples of the mask's; empty where the mask is."""


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
    quality: Quality,
    data: Iterable[Mapping[str, Any]],
    *,
    given: bool = False,
    others: bool = False,
) -> Checked:
    """What is expected of each case's masks, to be looked at first what is worst.

    Args:
        quality: Of the run.
        data: Items with ``case``, ``image`` and ``mask``, the file of its label map.
        given: Whether that file is what is judged; else what the run finds in the image, which is
            what it wrote there.
        others: As of ``Quality.check``.

    Raises:
        InputError: As ``Quality.check``.
    """
    found = []
    for item in tqdm(list(data), desc="trust"):
        mask = item["mask"] if given else None
        found.append((quality.check(item["image"], mask, case=item["case"], others=others), item))
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
        size = Expectation(*(number(row, key, where=where) for key in SIZES))
        structures.append(StructureQuality(row["structure"], expected, int(voxels), size))
    flags = [text for text in rows[0]["flags"].split("; ") if text]
    return CaseQuality(name, structures, flags), {key: rows[0][key] for key in ("image", "mask")}


def write_quality_table(checked: Checked, folder: str | Path) -> Path:
    """Write ``quality.csv``: a row for each structure of each case, whole or not at all.

    ``look_first`` counts cases from 1; ``expected_dice`` and its bounds are from 0 to 1;
    ``true_size`` and its bounds are multiples of the mask's size.

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
            "expected_dice": round(own.expected.value, 4),
            "lower": round(own.expected.lower, 4),
            "upper": round(own.expected.upper, 4),
            "voxels": own.voxels,
            **{key: _size(own, part) for key, part in zip(SIZES, own.size, strict=True)},
            "flags": "; ".join(quality.flags),
            "image": str(Path(str(item["image"])).absolute()),
            "mask": str(Path(str(item["mask"])).absolute()),
        }


def _size(own: StructureQuality, part: float) -> float:
    return round(part, 4) if own.voxels else math.nan


def bound_volumes(checked: Checked, path: str | Path) -> None:
    """Add between what bounds a true volume is expected to the rows of ``volumes.csv``.

    ``volume_ml_lower`` and ``volume_ml_upper``, or those of ``area_mm2``: the row's volume times
    the bounds of ``StructureQuality.size``, empty where the structure was not found.

    Args:
        checked: Cases of which the label maps were judged that the table is of.
        path: The table.

    Raises:
        InputError: If it is another table, or cannot be written.
    """
    table = CaseTable(path)
    sizes = {
        (quality.case, own.structure): own.size
        for quality, _ in checked
        for own in quality.structures
    }
    table.cases = {
        case: [_bounded(row, sizes.get((case, row["structure"])), where=str(path)) for row in rows]
        for case, rows in table.read().items()
    }
    table.write()


def _bounded(row: Row, size: Expectation | None, *, where: str) -> Row:
    measured = next((name for name in MEASURES if name in row), None)
    if measured is None or size is None:
        return row
    volume = number(row, measured, where=where)
    bounds = (volume * size.lower, volume * size.upper) if volume > 0 else (math.nan, math.nan)
    return {**row, f"{measured}_lower": bounds[0], f"{measured}_upper": bounds[1]}
