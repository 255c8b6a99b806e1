"""The files of a benchmark: its tables as CSV, and its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import write_text
from gemini_monai.base.tables import write_table
from gemini_monai.report.page.rendering import render
from gemini_monai.study.benchmark.benchmark_page import benchmark_page
from gemini_monai.study.benchmark.grid_results import GridResults
from gemini_monai.study.benchmark.registration import RegistrationRow, registration_rows
from gemini_monai.study.benchmark.result_table import as_numbers, trial_as_numbers
from gemini_monai.study.benchmark.scores import CaseRow, StructureRow, case_rows, structure_rows
from gemini_monai.study.benchmark.start_page import probe_rows
from gemini_monai.study.benchmark.tuning import best_trials
from gemini_monai.study.benchmark.workflow import GRID

FILES = (
    "results.csv",
    "cases.csv",
    "structures.csv",
    "registration.csv",
    "tuning.csv",
    "probes.csv",
    "benchmark.html",
)


def refuse_foreign(folder: Path) -> None:
    """Before anything is run: tables take the place of a benchmark's, and of nothing else.

    Args:
        folder: Of the runs; one of ours has the grid's file in it.

    Raises:
        InputError: Naming the first file that is in the way.
    """
    there = [folder / name for name in FILES if (folder / name).exists()]
    if there and not (folder / GRID).is_file():
        raise InputError(f"{there[0]}: is there and of no benchmark; give another --output")


def write_results(results: GridResults, *, images: bool = True) -> list[Path]:
    """Write what is known into the grid's folder; each file is whole or the one before.

    Args:
        results: What is known.
        images: Whether the page shows images of the data.

    Returns:
        ``results.csv``, ``cases.csv``, ``structures.csv``, ``registration.csv``,
        ``tuning.csv`` where there was a tuning, ``probes.csv`` where features were probed before
        fine-tuning, and ``benchmark.html``.

    Raises:
        InputError: If one cannot be written.
    """
    results_file, cases, structures, registration, tuning, probes, page = (
        results.spec.output / name for name in FILES
    )
    write_table(results_file, [as_numbers(row) for row in results.rows])
    _write(cases, case_rows(results.tests), kind=CaseRow)
    _write(structures, structure_rows(results.finished), kind=StructureRow)
    _write(registration, registration_rows(results.finished), kind=RegistrationRow)
    if results.trials:
        best = best_trials(results.trials).values()
        write_table(tuning, [trial_as_numbers(t, chosen=t in best) for t in results.trials])
    probed = probe_rows(results)
    if probed:
        write_table(probes, probed)
    write_text(page, render(benchmark_page(results), images=images))
    written = [results_file, cases, structures, registration]
    more = [*([tuning] if results.trials else []), *([probes] if probed else [])]
    return [*written, *more, page]


def _write(path: Path, rows: Sequence[Any], *, kind: type) -> None:
    columns = [field.name for field in fields(kind)]
    write_table(path, [asdict(row) for row in rows], columns=columns)
