"""Writes the run folders of a grid as trainings leave them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from gemini_monai.study.benchmark import GridRun
from tests.report.synthetic_run import write_run

ERRORS = {"supervised": 1.5, "scratch": 1.5, "gemini": 0.5, "cps": 1.0}


def write_grid(runs: Sequence[GridRun], *, failed: tuple[str, int] = ("", 0)) -> None:
    """Every run, but those of ``failed`` (method, seed), which ran out of memory.

    Seed 0 takes one CPU minute, seed 1 two.
    """
    for run in runs:
        if (run.method, run.seed) == failed:
            log = run.folder.parent / "logs" / f"{run.name}.txt"
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text("train:  3%\rtrain:  7%\nerror: no memory left\n\n")
            continue
        error = ERRORS.get(run.method, 1.0)
        write_run(run.folder, method=run.method, error=error, seed=run.seed, supervised=False)
        record = run.folder / "run.json"
        content = json.loads(record.read_text()) | {"cpu_seconds": 60.0 * (run.seed + 1)}
        record.write_text(json.dumps(content))
        Path(run.done).write_text("page")


def write_validation(run: GridRun, values: Sequence[float | str]) -> None:
    """Mean Dice on the validation cases after 10, 20, ... iterations."""
    rows = [f"{10 * k},{value}" for k, value in enumerate(values, 1)]
    text = "\n".join(["iteration,mean_dice", *rows]) + "\n"
    (run.folder / "validation.csv").write_text(text)
