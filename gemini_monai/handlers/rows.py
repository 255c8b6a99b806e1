"""Tables that grow with a run: one row per iteration, none twice when the run goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gemini_monai.base import tables
from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_text

Rows = list[dict[str, float]]
AGAIN = "so the run cannot go on: put the whole table back, or train anew in another --output_dir"


def rows_until(path: Path, iteration: int, *, last: int | None = None, every: bool = False) -> Rows:
    """Rows of a table up to an iteration; none for a run that starts anew.

    Args:
        path: The table.
        iteration: Where the run goes on.
        last: The iteration that its last row must reach; ``None`` for any.
        every: Whether each iteration from the first has a row.

    Raises:
        InputError: If the table cannot be read, ends before ``last`` or within a row, or its rows
            are not in order.
    """
    if iteration == 0 or not path.exists():
        if iteration and last:
            raise InputError(f"{path}: is not there, but the checkpoint is at iteration {last}")
        return []
    rows = [
        {name: tables.number(row, name, where=f"{path}: line {line}") for name in row}
        for line, row in enumerate(tables.read_table(path, required=("iteration",)), 2)
    ]
    kept = [row for row in rows if row["iteration"] <= iteration]
    reached = int(kept[-1]["iteration"]) if kept else 0
    if last is not None and reached < last:
        raise InputError(
            f"{path}: ends at iteration {reached}, the checkpoint is at {last}; it was cut, {AGAIN}"
        )
    if not read_text(path).endswith("\n"):  # which every row of ours ends with
        raise InputError(f"{path}: its last row was cut, {AGAIN}")
    _refuse_disorder([row["iteration"] for row in rows], path=path, every=every)
    return kept


def _refuse_disorder(iterations: Sequence[float], *, path: Path, every: bool) -> None:
    """Iterations are whole numbers that grow, by one where each has a row."""
    before = 0.0 if every else -1.0
    for line, now in enumerate(iterations, 2):
        if not (now > before and now.is_integer()) or (every and now != before + 1):
            raise InputError(
                f"{path}: line {line} is of iteration {now:g}, after {max(before, 0):g}; rows are "
                f"missing or were changed, {AGAIN}"
            )
        before = now


def write_rows(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write the whole table, or leave what was there; a row may lack some columns."""
    columns = dict.fromkeys(name for row in rows for name in row)
    whole = [{**row, "iteration": int(row["iteration"])} for row in rows]
    tables.write_table(path, whole, columns=list(columns))
