"""Segmentation and registration while they are learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gemini_monai.base.errors import InputError
from gemini_monai.report.read import read_run
from gemini_monai.report.read.run_contents import Series
from gemini_monai.study.analyses.analysis import Analysis

KINDS = {"segmentation": "mean_dice", "registration": "dice_after", "not moved": "dice_before"}
"""What is drawn, and the column that has it."""


def track(run: str | Path) -> Analysis:
    """Dice of segmentation and of registration over iterations, on validation images (figure 10).

    Registration is that of some pairs of validation images: their labels, warped by the field, and
    as they are. Both are read from the run, which scored them at every epoch.

    Args:
        run: A run of GEMINI-Semi.

    Raises:
        InputError: If it was not scored in both ways, or a table of its cannot be read.
    """
    contents = read_run(Path(run))
    dice = {name: _of((contents.validation, contents.monitor), key) for name, key in KINDS.items()}
    for name, values in dice.items():
        if not values:
            raise InputError(f"{run}: no Dice of {name} over iterations; {_needed(name)}")
    places = sorted({iteration for values in dice.values() for iteration in values})
    rows = [
        {
            "iteration": iteration,
            **{name: values.get(iteration, np.nan) for name, values in dice.items()},
        }
        for iteration in places
    ]
    sentences = [_sentence(name, rows) for name in KINDS]
    return Analysis("track", rows, sentences, _figure(rows), {"run": str(run)})


def _needed(name: str) -> str:
    if name == "segmentation":
        return "it needs validation images"
    return "it needs two validation images or more, and a method that registers"


def _of(recorded: Sequence[Series | None], key: str) -> dict[int, float]:
    """Values of a column by iteration, wherever it was recorded."""
    for series in recorded:
        if series is not None and key in series.columns:
            pairs = zip(series.iterations, series.columns[key], strict=True)
            return {
                int(iteration): float(value) for iteration, value in pairs if np.isfinite(value)
            }
    return {}


def _sentence(name: str, rows: Sequence[Mapping[str, float]]) -> str:
    scored = [row for row in rows if np.isfinite(row[name])]
    first, last = scored[0], scored[-1]
    best = max(scored, key=lambda row: row[name])
    said = f"{name}: Dice {100 * first[name]:.1f} at iteration {first['iteration']}, "
    said += f"{100 * last[name]:.1f} at {last['iteration']}"
    return said + f", the best {100 * best[name]:.1f} at {best['iteration']}"


def _figure(rows: Sequence[Mapping[str, float]]) -> Figure:
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.subplots()
    for name in KINDS:
        scored = [row for row in rows if np.isfinite(row[name])]
        style = "--" if name == "not moved" else "-o"
        iterations, values = zip(
            *((row["iteration"], 100 * row[name]) for row in scored), strict=True
        )
        axes.plot(iterations, values, style, label=name, markersize=3)
    axes.set(xlabel="iterations", ylabel="validation Dice (%)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure
