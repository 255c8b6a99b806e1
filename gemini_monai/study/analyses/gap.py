"""How much of what pre-training gained is lost where its images were of another kind."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from gemini_monai.base.errors import InputError
from gemini_monai.base.tables import number, read_table
from gemini_monai.study.analyses.analysis import Analysis

BASELINE = "scratch"


def generalization_gap(inner: str | Path, inter: str | Path) -> Analysis:
    """The gap coefficient of each method, equation 12 and table 7.

    ``G_i = (S_inner_i - S_inter_i) / (S_inner_0 - S_inter_0)``: ``S`` is mean test Dice after
    fine-tuning, ``inner`` where the pre-training saw images of the kind that are tested, ``inter``
    where it saw others, and 0 is from scratch. Below 1 a method loses less between the two than
    scratch does, above 1 more. It divides by what scratch itself loses, which is a matter of the
    two networks and data sets alone; where that is little the coefficient means little.

    Args:
        inner: ``results.csv`` of ``gemini benchmark pretraining``.
        inter: Another one.

    Raises:
        InputError: If a file holds several tables or no row of scratch, they share no other
            method, or scratch scores alike in both.
    """
    first, second = _scores(Path(inner)), _scores(Path(inter))
    lost = first[BASELINE] - second[BASELINE]
    if not math.isfinite(lost) or abs(lost) < 1e-9:
        raise InputError(f"{inter}: {BASELINE} scores as in {inner}, so nothing can be compared")
    shared = [name for name in first if name in second and name != BASELINE]
    if not shared:
        raise InputError(f"{inter}: no method but {BASELINE} is also in {inner}")
    rows = [_row(name, first[name], second[name], lost) for name in [BASELINE, *shared]]
    return Analysis(
        name="gap",
        rows=rows,
        sentences=[f"{row['method']}: gap coefficient {row['gap']:.2f}" for row in rows[1:]],
        figure=_figure(rows[1:]),
        settings={"inner": str(inner), "inter": str(inter), "scratch_loses": lost},
    )


def _scores(path: Path) -> dict[str, float]:
    """Mean test Dice by method."""
    rows = read_table(path, required=("data", "labels", "method", "dice"))
    tables = {(row["data"], row["labels"]) for row in rows}
    if len(tables) != 1:
        raise InputError(f"{path}: expected one data set and number of labels, found {len(tables)}")
    scores = {row["method"]: number(row, "dice", where=f"{path}: {row['method']}") for row in rows}
    if BASELINE not in scores:
        raise InputError(f"{path}: no row of '{BASELINE}', found {', '.join(scores)}")
    return {name: value for name, value in scores.items() if math.isfinite(value)} | {
        BASELINE: scores[BASELINE]
    }


def _row(name: str, inner: float, inter: float, lost: float) -> dict[str, Any]:
    return {"method": name, "inner": inner, "inter": inter, "gap": (inner - inter) / lost}


def _figure(rows: list[dict[str, Any]]) -> Figure:
    figure = Figure(figsize=(7, 1 + 0.35 * len(rows)), layout="constrained")
    axes = figure.subplots()
    ordered = sorted(rows, key=lambda row: -row["gap"])
    axes.barh([row["method"] for row in ordered], [row["gap"] for row in ordered], color="0.6")
    axes.axvline(1, color="black", linestyle="--", linewidth=1)
    axes.set_xlabel("gap coefficient; 1: loses as much as from scratch")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
