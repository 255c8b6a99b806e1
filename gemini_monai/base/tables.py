"""Tables as CSV: what spreadsheets write is read, and what is written is harmless to them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_text, replacing

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
"""Beginnings of a cell that a spreadsheet would run; the last four are those of East Asian ones."""
DELIMITERS = (",", ";", "\t")
QUOTED = re.compile(r'"[^"]*"')
"""What a cell in quotes says; a name may hold what stands between cells elsewhere."""


def read_table(path: str | Path, *, required: Sequence[str] = ()) -> list[dict[str, str]]:
    """Rows of a table by column, without the spaces around names and cells.

    Commas, semicolons or tabs may stand between the cells, and a byte-order mark before the first
    one, as spreadsheets write them. A short row has empty cells at its end.

    Args:
        path: The file.
        required: Columns that it must have.

    Raises:
        InputError: If it cannot be read, a column is missing or there twice, or a row has more
            cells than there are columns.
    """
    text = read_text(path)
    try:
        delimiter = _delimiter(text, required)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise InputError(f"{path}: not a table: {error}") from error
    columns = [_original(name.strip()) for name in rows[0]] if rows else []
    for name in required:
        if name not in columns:
            raise InputError(f"{path}: column '{name}' is missing, found {columns}")
    if len(set(columns)) < len(columns):
        twice = next(name for name in columns if columns.count(name) > 1)
        raise InputError(f"{path}: column '{twice}' is there twice")
    return [
        _row(cells, columns, where=f"{path}: line {line}")
        for line, cells in enumerate(rows[1:], 2)
        if any(cell.strip() for cell in cells)
    ]


def _delimiter(text: str, required: Sequence[str]) -> str:
    """What gives most of the required columns; among equals, what is there most often."""
    header = QUOTED.sub("", text).split("\n", 1)[0]

    def rank(delimiter: str) -> tuple[int, int]:
        columns = {name.strip() for name in header.split(delimiter)}
        return len(columns & set(required)), header.count(delimiter)

    return max(DELIMITERS, key=rank)


def _row(cells: Sequence[str], columns: Sequence[str], *, where: str) -> dict[str, str]:
    values = [_original(cell.strip()) for cell in cells]
    if any(values[len(columns) :]):
        raise InputError(f"{where}: {len(values)} cells, expected {len(columns)}")
    values += [""] * (len(columns) - len(values))
    return dict(zip(columns, values, strict=False))


def write_table(
    path: Path, rows: Sequence[Mapping[str, Any]], *, columns: Sequence[str] | None = None
) -> None:
    """Write a table, whole or not at all; NaN is an empty cell.

    Text that a spreadsheet would run as a formula, in a cell or as the name of a column, gets an
    apostrophe before it, which ``read_table`` takes off again.

    Args:
        path: The file.
        rows: Each row's cells by name of the column; a cell that is missing is left empty.
        columns: Names of the columns in their order; those of the first row by default.

    Raises:
        InputError: If it cannot be written.
    """
    columns = list(columns if columns is not None else rows[0])
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [_cell(name) for name in columns], restval="")
        writer.writeheader()
        writer.writerows([{_cell(k): _cell(value) for k, value in row.items()} for row in rows])


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if _is_guarded(value) else value
    return "" if value is None or value != value else value  # NaN is the number unlike itself


def _original(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _is_guarded(cell[1:]) else cell


def _is_guarded(text: str) -> bool:
    """Whether an apostrophe goes before it: a formula, or what would be taken for a guarded one."""
    return text.lstrip("'").startswith(FORMULA)


def number(row: Mapping[str, str], column: str, *, where: str) -> float:
    """The number in a cell; NaN where it is empty or the table has no such column.

    Raises:
        InputError: If it is not a number.
    """
    text = row.get(column) or "nan"
    try:
        return float(text)
    except ValueError as error:
        raise InputError(
            f"{where}, column '{column}': expected a number, found '{text}'"
        ) from error
