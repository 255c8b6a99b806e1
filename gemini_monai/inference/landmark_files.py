"""Files of landmarks: our own tables, those of ANTs, point lists of 3D Slicer; all to RAS+ mm."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json, read_text
from gemini_monai.base.tables import read_table
from gemini_monai.geometry.world import LPS

AXES = ("x", "y", "z")
SYSTEM = "coordinate_system"
"""Column of our tables."""
SYSTEMS = {"RAS": "RAS", "LPS": "LPS", "0": "RAS", "1": "LPS"}
"""By name, and by the number that older versions of 3D Slicer write."""
EXPORTED = {"RAS": ("r", "a", "s"), "LPS": ("l", "p", "s")}
"""Columns of the tables that 3D Slicer exports point lists to."""


class Point(NamedTuple):
    """A landmark as its file has it."""

    where: str
    """For messages."""
    name: str
    position: Sequence[Any]
    system: str
    """``"RAS"`` or ``"LPS"``, in whose directions the numbers count."""


def read_landmarks(path: Path, *, axes: int) -> dict[str, Tensor]:
    """Positions in mm, RAS+, by name.

    - CSV of ours: ``name``, ``x``, ``y`` and, for volumes, ``z``, to the right, to the front and up
      (RAS, as NIfTI has it), or as the column ``coordinate_system`` says, RAS or LPS.
    - CSV of ANTs: ``x``, ``y``, ``z``, ``t`` and ``label``, in LPS; without a label a point's
      number is its name.
    - 3D Slicer: ``.fcsv``, ``.mrk.json``, RAS or LPS as the file says, and the tables that it
      exports, with ``label`` and ``r,a,s`` or ``l,p,s``.

    Args:
        path: The file.
        axes: 2 or 3.

    Raises:
        InputError: If the format or the directions are not said, a column, a name or a number is
            missing, or a name is there twice.
    """
    by_name: dict[str, Tensor] = {}
    for point in _points(path, axes):
        if not point.name or point.name in by_name:
            raise InputError(f"{point.where}: expected a name of its own, got '{point.name}'")
        numbers = [
            _number(value, where=f"{point.where}: column '{axis}'")
            for axis, value in zip(AXES[:axes], point.position, strict=False)
        ]
        position = torch.tensor(numbers, dtype=torch.float64)
        turned = torch.as_tensor(LPS[:axes, :axes]) @ position
        by_name[point.name] = turned if point.system == "LPS" else position
    if not by_name:
        raise InputError(f"{path}: no landmarks in it")
    return by_name


def _points(path: Path, axes: int) -> Iterator[Point]:
    suffix = path.suffix.lower()
    if suffix == ".json":
        return _of_markups(path)
    return _of_fcsv(path) if suffix == ".fcsv" else _of_table(path, axes)


def _of_table(path: Path, axes: int) -> Iterator[Point]:
    rows = read_table(path)
    columns = set(rows[0]) if rows else set()
    for system, names in EXPORTED.items():
        if {"label", *names} <= columns:
            return _exported(path, rows, names, system)
    if {"name", "t"} <= columns and SYSTEM not in columns:
        raise InputError(
            f"{path}: both 'name', as we write it in RAS, and 't', as ANTs does in LPS; say which "
            f"by a column '{SYSTEM}'"
        )
    if "t" in columns and "name" not in columns:
        return _of_ants(path, read_table(path, required=AXES))
    return _of_ours(path, read_table(path, required=("name", *AXES[:axes])), axes)


def _of_ours(path: Path, rows: Sequence[Mapping[str, str]], axes: int) -> Iterator[Point]:
    for line, row in enumerate(rows, 2):
        where = f"{path}: line {line}"
        system = _system(row.get(SYSTEM) or "RAS", where=f"{where}: column '{SYSTEM}'")
        yield Point(where, row["name"], [row[axis] for axis in AXES[:axes]], system)


def _of_ants(path: Path, rows: Sequence[Mapping[str, str]]) -> Iterator[Point]:
    for number, row in enumerate(rows, 1):
        name = _label(row["label"]) if "label" in row else str(number)
        yield Point(f"{path}: line {number + 1}", name, [row[axis] for axis in AXES], "LPS")


def _exported(
    path: Path, rows: Sequence[Mapping[str, str]], names: Sequence[str], system: str
) -> Iterator[Point]:
    for line, row in enumerate(rows, 2):
        yield Point(f"{path}: line {line}", row["label"], [row[n] for n in names], system)


def _of_fcsv(path: Path) -> Iterator[Point]:
    lines = list(enumerate(read_text(path).splitlines(), 1))
    notes = [line.lstrip("# ").partition("=") for _, line in lines if line.startswith("#")]
    header = {key.strip(): value.strip() for key, _, value in notes}
    system = _system(header.get("CoordinateSystem"), where=f"{path}: CoordinateSystem")
    columns = [name.strip() for name in header.get("columns", "").split(",")]
    for name in (*AXES, "label"):
        if name not in columns:
            raise InputError(f"{path}: column '{name}' is missing, found {columns}")
    for number, line in lines:
        if line.strip() and not line.startswith("#"):
            row = dict(zip(columns, next(csv.reader([line])), strict=False))
            position = [row.get(axis, "") for axis in AXES]
            yield Point(f"{path}: line {number}", row.get("label", "").strip(), position, system)


def _of_markups(path: Path) -> Iterator[Point]:
    lists = read_json(path, dict).get("markups")
    if not isinstance(lists, list) or not all(isinstance(markup, Mapping) for markup in lists):
        raise InputError(f"{path}: expected a point list of 3D Slicer, with 'markups'")
    for markup in lists:
        system = _system(markup.get("coordinateSystem"), where=f"{path}: coordinateSystem")
        units = markup.get("coordinateUnits", "mm")
        if any(unit != "mm" for unit in (units if isinstance(units, list) else [units])):
            raise InputError(f"{path}: coordinateUnits: expected mm, got {units!r}")
        points = markup.get("controlPoints") or []
        for number, point in enumerate(points, 1):
            where = f"{path}: point {number}"
            if not isinstance(point, Mapping) or not _is_placed(point):
                raise InputError(f"{where}: has no position; place it or take it out")
            yield Point(where, str(point.get("label", "")), point["position"], system)


def _is_placed(point: Mapping[str, Any]) -> bool:
    position = point.get("position")
    placed = isinstance(position, list) and len(position) == len(AXES)
    return placed and point.get("positionStatus", "defined") == "defined"


def _system(value: Any, *, where: str) -> str:
    if str(value) not in SYSTEMS:
        raise InputError(f"{where}: expected RAS or LPS, got {value!r}")
    return SYSTEMS[str(value)]


def _label(text: str) -> str:
    """ANTs writes whole numbers as 3 or as 3.0."""
    whole, _, rest = text.partition(".")
    return whole if rest.strip("0") == "" else text


def _number(value: Any, *, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{where}: expected mm, got '{value}'")
    return number
