"""Cases that a table names, in its order."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from gemini_monai.base.errors import InputError
from gemini_monai.base.tables import read_table
from gemini_monai.data.prepare.patients import case_in


def named_cases(path: str | Path, cases: Collection[str]) -> list[str]:
    """Cases of a table's column ``case``, such as that of ``labeled_from.csv``, in their order.

    Args:
        path: The table; a cell is a case, or the name of its file.
        cases: That there are.

    Raises:
        InputError: If it cannot be read, names nothing, names a case twice, or one that is not
            there.
    """
    names = [case_in(row["case"], cases) for row in read_table(path, required=["case"])]
    if not names:
        raise InputError(f"{path}: names no case, expected one a row")
    for name in names:
        if name not in cases:
            raise InputError(f"{path}: there is no image of case '{name}'")
        if names.count(name) > 1:
            raise InputError(f"{path}: case '{name}' is there twice")
    return names
