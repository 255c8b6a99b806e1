"""The picture of the paper's ablations and sweeps, from a benchmark whose arms are presets.

    gemini benchmark few_labels data --variants "['ablation','smoothness']" --output bench
    python -m benchmarks.presets bench OUTPUT.png

A column a preset; from above test Dice, Dice of registered pairs, and folding, each a mean over
seeds with its standard deviation. What a system without pairs comes to is a dashed line.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.command import run_command
from gemini_monai.base.errors import InputError
from gemini_monai.base.tables import read_table
from gemini_monai.report.figures.colors import color_of
from gemini_monai.study.benchmark import PRESETS

BASELINE = "supervised"
ROWS = ("test Dice, %", "Dice of pairs, %", "folded voxels, %")


@dataclass(frozen=True)
class Found:
    """Of one arm: mean and standard deviation over seeds, by the names in ``ROWS``; in percent.

    Attributes:
        values: Those that it has; a system that registers nothing has its test Dice alone.
        before: Dice of the pairs' labels as they lie.
    """

    values: Mapping[str, tuple[float, float]]
    before: float


def read_arms(folder: Path) -> dict[str, Found]:
    """What each arm came to, at the first data set and number of labels.

    Args:
        folder: Of the benchmark.
    """
    pairs = {_key(row): row for row in read_table(folder / "registration.csv")}
    found: dict[str, Found] = {}
    for row in read_table(folder / "results.csv"):
        if row["method"] in found or not row["dice_per_draw"]:
            continue
        values = {ROWS[0]: (100 * _number(row["dice"]), 100 * _number(row["dice_std"]))}
        own = pairs.get(_key(row))
        if own is not None:
            after, folding = "dice_after", "folding_percent"
            values[ROWS[1]] = (100 * _number(own[after]), 100 * _number(own[f"{after}_std"]))
            values[ROWS[2]] = (_number(own[folding]), _number(own[f"{folding}_std"]))
        before = 100 * _number(own["dice_before"]) if own is not None else math.nan
        found[row["method"]] = Found(values, before)
    return found


def _key(row: Mapping[str, str]) -> tuple[str, str, str]:
    return row["data"], row["labels"], row["method"]


def _number(text: str) -> float:
    return float(text) if text else math.nan


def columns(arms: Mapping[str, Found]) -> dict[str, dict[str, Found]]:
    """Arms of each preset that was run whole, by the name that the preset has for them.

    Args:
        arms: What each came to.
    """
    by_words: dict[str, Found] = {}
    for own in PRESETS.values():
        by_words |= {words: arms[name] for name, words in own.items() if name in arms}
    return {
        preset: {name: by_words[words] for name, words in own.items()}
        for preset, own in PRESETS.items()
        if all(words in by_words for words in own.values())
    }


def plot(folder: str, output: str) -> None:
    """Draw the presets beside one another.

    Args:
        folder: Of the benchmark.
        output: The picture.

    Raises:
        InputError: If no preset was run whole.
    """
    arms = read_arms(Path(folder))
    found = columns(arms)
    if not found:
        raise InputError(f"{folder}: no preset whose arms have all been run")
    figure = Figure(figsize=(1.2 + 1.5 * len(found), 6.5), layout="constrained")
    panels = figure.subplots(len(ROWS), len(found), sharey="row", sharex="col", squeeze=False)
    for row, name in enumerate(ROWS):
        panels[row, 0].set_ylabel(name)
        for axes, own in zip(panels[row], found.values(), strict=True):
            _draw(axes, own, name=name, line=_line(arms, own, name=name))
    for place, (preset, own) in enumerate(found.items()):
        panels[0, place].set_title(preset, fontsize=10)
        panels[-1, place].set_xticks(range(len(own)), _short(list(own)), rotation=90, fontsize=8)
    figure.savefig(output, dpi=110)
    print(output)


def _line(arms: Mapping[str, Found], own: Mapping[str, Found], *, name: str) -> float:
    """Where the dashed line lies; NaN for none."""
    if name == ROWS[0]:
        return arms[BASELINE].values[name][0] if BASELINE in arms else math.nan
    return next(iter(own.values())).before if name == ROWS[1] else math.nan


def _short(names: Sequence[str]) -> list[str]:
    """Names without what all of them begin with: the values of a sweep."""
    parts = [name.rpartition("_") for name in names]
    return (
        [last for _, _, last in parts]
        if len({first for first, _, _ in parts}) == 1
        else list(names)
    )


def _draw(axes: Axes, own: Mapping[str, Found], *, name: str, line: float) -> None:
    points = [found.values.get(name, (math.nan, math.nan)) for found in own.values()]
    places = range(len(points))
    means = [mean for mean, _ in points]
    spread = [0.0 if math.isnan(std) else std for _, std in points]
    axes.errorbar(places, means, spread, fmt="o", color=color_of(0), markersize=4, linewidth=1)
    if not math.isnan(line):
        axes.axhline(line, color="0.5", linestyle="--", linewidth=1)
    axes.set_xlim(-0.6, len(points) - 0.4)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    run_command(plot)
