"""Tables of the page beside the main one: scores per structure, and the tuning."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from gemini_monai.report.figures.wording import UNDEFINED, capital
from gemini_monai.report.page.elements import Block, Cell, Note, Table, table
from gemini_monai.study.benchmark.grid_results import GridResults
from gemini_monai.study.benchmark.scores import StructureRow, structure_rows
from gemini_monai.study.benchmark.tuning import Trial, best_trials

BEST = "total"
"""Class of the cell that stands out."""


QUANTITIES = {
    "Dice, %": "dice",
    "NSD, %": "normalized_surface_dice",
    "HD95": "hausdorff_distance_95",
    "average surface distance": "average_surface_distance",
    "calibration error, %": "calibration_error",
}
"""Header and attribute of what is told of each structure; shares in percent."""
HIGHER = ("dice", "normalized_surface_dice")
"""Those of which more is better."""


def method_tables(results: GridResults, data: str, labels: int) -> Iterator[Table]:
    """Mean of each quantity and structure, a row per system, the best of each in bold.

    Args:
        results: What is known.
        data: Name of the data set.
        labels: Labeled images.
    """
    rows = structure_rows(results.finished)
    of_table = [row for row in rows if (row.data, row.labels) == (data, labels)]
    for title, quantity in QUANTITIES.items():
        if any(math.isfinite(getattr(row, quantity)) for row in of_table):
            yield _quantity_table(of_table, title, quantity)
    if of_table:
        yield _missing_table(of_table)


def _quantity_table(rows: Sequence[StructureRow], title: str, quantity: str) -> Table:
    share, lower = title.endswith("%"), quantity not in HIGHER
    names = list(dict.fromkeys(row.structure for row in rows))
    found = {(row.method, row.structure): float(getattr(row, quantity)) for row in rows}
    best = {name: _best([v for (_, s), v in found.items() if s == name], lower) for name in names}
    lines: list[list[Cell | str]] = [
        [
            method,
            *(_cell(found.get((method, n), math.nan), best=best[n], share=share) for n in names),
        ]
        for method in dict.fromkeys(row.method for row in rows)
    ]
    unit = "" if share else f" in {rows[0].unit}"
    caption = f"{capital(title)} per structure{unit}, mean over test cases and draws."
    return table(["method", *names], lines, caption=caption)


def _missing_table(rows: Sequence[StructureRow]) -> Table:
    names = list(dict.fromkeys(row.structure for row in rows))
    found = {(row.method, row.structure): f"{row.missed}, {row.invented}" for row in rows}
    lines: list[list[Cell | str]] = [
        [method, *(found.get((method, name), UNDEFINED) for name in names)]
        for method in dict.fromkeys(row.method for row in rows)
    ]
    caption = (
        "How often a structure was missed, and how often invented, in all test cases of all draws."
    )
    return table(["method", *names], lines, caption=caption)


def _best(values: Sequence[float], lower: bool) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return (min(finite) if lower else max(finite)) if finite else math.nan


def _cell(value: float, *, best: float, share: bool) -> Cell:
    if math.isnan(value):
        return Cell(UNDEFINED)
    return Cell(f"{100 * value:.1f}" if share else f"{value:.2f}", BEST if value == best else "")


def tuning_table(trials: Sequence[Trial]) -> Iterator[Block]:
    """Validation Dice of every candidate, a row per system, the chosen one in bold.

    Args:
        trials: Those of one data set.
    """
    best = best_trials(trials).values()
    candidates = list(dict.fromkeys(trial.candidate for trial in trials))
    rows: dict[str, list[Cell | str]] = {}
    for trial in trials:
        own = trial.dice if trial in best else math.nan
        cell = _cell(trial.dice, best=own, share=True)
        rows.setdefault(trial.run.method, [trial.run.method]).append(cell)
    run = trials[0].run
    minutes = np.nansum([trial.cpu_minutes for trial in trials])
    caption = (
        f"Best mean Dice on the validation images in percent, {run.labels} labels, draw "
        f"{run.draw}; in bold what the grid went on with. {minutes:.1f} CPU minutes in all without "
        "pre-training; those of what was not chosen are not among the minutes of the results."
    )
    header = ["method", *(candidate or "defaults" for candidate in candidates)]
    yield table(header, list(rows.values()), caption=caption)
    for trial in trials:
        if trial.said:
            name = trial.candidate or "defaults"
            yield Note(f"{trial.run.method}, {name}: {trial.said}")
