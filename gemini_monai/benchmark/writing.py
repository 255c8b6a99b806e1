"""The files of a benchmark: its tables as CSV, and its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from gemini_monai.benchmark.outcome import Outcome
from gemini_monai.benchmark.page import benchmark_page
from gemini_monai.benchmark.result_table import as_numbers, trial_as_numbers
from gemini_monai.benchmark.scores import CaseRow, StructureRow, case_rows, structure_rows
from gemini_monai.benchmark.tuning import best_trials
from gemini_monai.files import write_text
from gemini_monai.report.page.rendering import render
from gemini_monai.tables import write_table


def write_results(outcome: Outcome) -> list[Path]:
    """Write what is known into the grid's folder; each file is whole or the one before.

    Args:
        outcome: What is known.

    Returns:
        ``results.csv``, ``cases.csv``, ``structures.csv``, ``tuning.csv`` where there was a tuning,
        and ``benchmark.html``.

    Raises:
        InputError: If one cannot be written.
    """
    folder = outcome.question.output
    files = [folder / "results.csv", folder / "cases.csv", folder / "structures.csv"]
    write_table(files[0], [as_numbers(row) for row in outcome.rows])
    _write(files[1], case_rows(outcome.finished), kind=CaseRow)
    _write(files[2], structure_rows(outcome.finished), kind=StructureRow)
    if outcome.trials:
        best = best_trials(outcome.trials).values()
        files.append(folder / "tuning.csv")
        write_table(files[-1], [trial_as_numbers(t, chosen=t in best) for t in outcome.trials])
    files.append(folder / "benchmark.html")
    write_text(files[-1], render(benchmark_page(outcome)))
    return files


def _write(path: Path, rows: Sequence[Any], *, kind: type) -> None:
    columns = [field.name for field in fields(kind)]
    write_table(path, [asdict(row) for row in rows], columns=columns)
