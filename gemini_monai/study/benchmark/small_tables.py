"""Tables of the page beside the main one: Dice per structure, and the tuning."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from gemini_monai.report.figures.wording import UNDEFINED
from gemini_monai.report.page.elements import Block, Cell, Note, Table, table
from gemini_monai.study.benchmark.grid_results import GridResults
from gemini_monai.study.benchmark.scores import structure_rows
from gemini_monai.study.benchmark.tuning import Trial, best_trials

BEST = "total"
"""Class of the cell that stands out."""


def method_table(results: GridResults, data: str, labels: int) -> Table:
    """Mean Dice of each structure, a row per system, the highest of each in bold.

    Args:
        results: What is known.
        data: Name of the data set.
        labels: Labeled images.
    """
    rows = structure_rows(results.finished)
    of_table = [row for row in rows if (row.data, row.labels) == (data, labels)]
    names = list(dict.fromkeys(row.structure for row in of_table))
    dice = {(row.method, row.structure): row.dice for row in of_table}
    per_structure = {
        name: [row.dice for row in of_table if row.structure == name] for name in names
    }
    highest = {name: float(np.nan_to_num(per_structure[name]).max()) for name in names}
    lines: list[list[Cell | str]] = [
        [method, *(_dice(dice.get((method, name), math.nan), highest[name]) for name in names)]
        for method in dict.fromkeys(row.method for row in of_table)
    ]
    caption = "Dice per structure in percent, mean over test cases and draws."
    return table(["method", *names], lines, caption=caption)


def tuning_table(trials: Sequence[Trial]) -> Iterator[Block]:
    """Validation Dice of every candidate, a row per system, the chosen one in bold.

    Args:
        trials: Those of one data set.
    """
    best = best_trials(trials).values()
    candidates = list(dict.fromkeys(trial.candidate for trial in trials))
    rows: dict[str, list[Cell | str]] = {}
    for trial in trials:
        cell = _dice(trial.dice, trial.dice if trial in best else math.nan)
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


def _dice(dice: float, best: float) -> Cell:
    if math.isnan(dice):
        return Cell(UNDEFINED)
    return Cell(f"{100 * dice:.1f}", BEST if dice == best else "")
