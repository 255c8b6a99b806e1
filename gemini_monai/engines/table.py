"""Tables that grow with a run: one row per iteration, none twice when the run goes on."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from gemini_monai.files import replacing


def rows_until(path: Path, iteration: int) -> list[dict[str, float]]:
    """Rows of a table up to an iteration; none for a run that starts anew."""
    if iteration == 0 or not path.exists():
        path.unlink(missing_ok=True)
        return []
    with path.open(newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    return [row for row in rows if row["iteration"] <= iteration]


def write_table(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write the whole table, or leave what was there."""
    with replacing(path) as part, part.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows([{**row, "iteration": int(row["iteration"])} for row in rows])
