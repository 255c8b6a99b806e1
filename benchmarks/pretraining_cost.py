"""What pre-training buys over what it costs: fine-tuned Dice over CPU minutes, as a picture.

    python -m benchmarks.pretraining_cost RUNS OUTPUT.png --name chest --lines "{'GEMINI':['g5']}"

reads the fine-tuned runs ``RUNS/<name>_<arm>_<draw>``, the runs that they were pre-trained by, and
``RUNS/<name>_scratch_<draw>``. Each dot is a draw of the labels with a pre-training of its own:
mean test Dice minus that from scratch, in points, at the mean CPU minutes of its arm; lines are
means.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from benchmarks.command import run_command
from gemini_monai.report.figures.colors import color_of
from gemini_monai.report.read import per_case, read_run


def plot(
    runs: str, output: str, *, name: str, lines: Mapping[str, Sequence[str]], draws: int = 3
) -> None:
    """Draw one line for each entry of ``lines``: its name, and its arms."""
    scratch = [_dice(Path(runs) / f"{name}_scratch_{draw}") for draw in range(draws)]
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for place, (label, arms) in enumerate(lines.items()):
        minutes, gains = [], []
        for arm in arms:
            folders = [Path(runs) / f"{name}_{arm}_{draw}" for draw in range(draws)]
            minutes.append(np.nanmean([_minutes(folder) for folder in folders]))
            gains.append([_dice(f) - start for f, start in zip(folders, scratch, strict=True)])
        _line(axes, np.array(minutes), np.array(gains), color=color_of(place), label=label)
    axes.axhline(0, color="0.5", linestyle="--", linewidth=1.2, label="from scratch")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("CPU minutes of pre-training")
    axes.set_ylabel("points of test Dice above scratch")
    axes.legend(frameon=False)
    figure.savefig(output, dpi=120)
    print(output)


def _line(axes: Axes, minutes: np.ndarray, gains: np.ndarray, *, color: str, label: str) -> None:
    """Dots of each arm's draws, gains being (arms, draws), and the line through their means."""
    dots = np.repeat(minutes, gains.shape[1])
    axes.plot(dots, gains.ravel(), "o", color=color, alpha=0.35, markersize=5)
    axes.plot(minutes, gains.mean(axis=1), "o-", color=color, label=label)


def _dice(folder: Path) -> float:
    """Mean test Dice of a run, %."""
    return 100 * float(np.mean(list(per_case(read_run(folder)).values())))


def _minutes(folder: Path) -> float:
    """CPU minutes of the pre-training that a run began from; NaN if it did not write them down."""
    settings = json.loads((folder / "run.json").read_text(encoding="utf-8"))["settings"]
    pretrained = Path(settings["pretrained"]) / "run.json"
    recorded = json.loads(pretrained.read_text(encoding="utf-8"))
    return float(recorded.get("cpu_seconds", "nan")) / 60


if __name__ == "__main__":
    run_command(plot)
