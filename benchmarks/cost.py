"""What pre-training buys for what it costs: fine-tuned Dice over CPU seconds of pre-training.

    python -m benchmarks.cost RUNS OUTPUT.png --name chest

reads the run folders ``RUNS/<name>_<start>_<draw>``. Each says which run it started from; that run
says by which method, for how many iterations, and how many CPU seconds. Runs of one method and
length are one point of its line; those that started from nothing are the band. The figures are
printed as Markdown, too.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import fire
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gemini_monai.errors import InputError
from gemini_monai.report.figures.ink import color_of
from gemini_monai.report.read import per_case, read_run
from gemini_monai.runs.record import read_record

Point = tuple[str, int]
"""Method and iterations of a pre-training."""


def cost(runs: str, output: str, name: str = "chest") -> None:
    """Draw the picture and print its figures.

    Args:
        runs: Folder of the run folders.
        output: File of the picture.
        name: What the names of the fine-tuned runs begin with.

    Raises:
        InputError: If no run of that name started from a pre-training that says what it cost.
    """
    scratch, dice, seconds = _read(sorted(Path(runs).glob(f"{name}_*_[0-9]*")))
    if not dice:
        raise InputError(f"{runs}: no {name}_START_DRAW whose pre-training tells its cpu_seconds")
    print("| pre-training | iterations | CPU seconds | fine-tuned runs | test Dice |")
    print("|---|---|---|---|---|")
    for point in sorted(dice):
        row = [*point, f"{np.mean(seconds[point]):.0f}", len(dice[point]), _spread(dice[point])]
        print("| " + " | ".join(map(str, row)) + " |")
    figure = Figure(figsize=(7, 4.2), dpi=120, layout="constrained")
    axes = figure.subplots()
    _draw(axes, dice, seconds)
    if scratch:
        axes.axhline(float(np.mean(scratch)), color="0.5", linestyle="--", label="from scratch")
    axes.set(xlabel="CPU seconds of pre-training", ylabel="fine-tuned test Dice (%)", xscale="log")
    axes.legend(frameon=False)
    figure.savefig(output)


def _read(
    folders: list[Path],
) -> tuple[list[float], dict[Point, list[float]], dict[Point, list[float]]]:
    scratch: list[float] = []
    dice: dict[Point, list[float]] = defaultdict(list)
    seconds: dict[Point, list[float]] = defaultdict(list)
    for folder in folders:
        source = read_record(folder)["settings"].get("pretrained", "none")
        mean = 100 * float(np.mean(list(per_case(read_run(folder)).values())))
        if source == "none":
            scratch.append(mean)
            continue
        before = read_record(source)
        if "cpu_seconds" in before:
            point = (before["method"], before["iterations"])
            dice[point].append(mean)
            seconds[point].append(before["cpu_seconds"])
    return scratch, dice, seconds


def _spread(values: list[float]) -> str:
    found = f"{np.mean(values):.1f}"
    return found + (f" ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else "")


def _draw(axes: Axes, dice: dict[Point, list[float]], seconds: dict[Point, list[float]]) -> None:
    for place, method in enumerate(sorted({method for method, _ in dice})):
        points = sorted(point for point in dice if point[0] == method)
        places = [float(np.mean(seconds[point])) for point in points]
        color = color_of(place)
        for x, point in zip(places, points, strict=True):
            axes.plot([x] * len(dice[point]), dice[point], ".", color=color, alpha=0.5)
        means = [float(np.mean(dice[point])) for point in points]
        axes.plot(places, means, "-o", color=color, label=method)


if __name__ == "__main__":
    fire.Fire(cost)
