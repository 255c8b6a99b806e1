"""The model of what a training costs: work and memory of a voxel, as a table and as a picture.

    python -m benchmarks.work table
    python -m benchmarks.work plot OUTPUT.png

Counted by PyTorch's own tools on small images; work and memory are proportional to voxels. The
picture has beside it what ``benchmarks.gpu`` measured on a card, from the JSON that it wrote.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.command import run_command
from benchmarks.gpu_settings import SETTINGS
from gemini_monai.engines.cost import count_work
from gemini_monai.networks import Gemini
from gemini_monai.objectives import HomeomorphismObjective, Learner, SegmentationObjective
from gemini_monai.report.figures.colors import color_of

DEFAULT, PAPER = (16, 32, 64, 128), (32, 64, 128, 256, 512)
ROWS = {
    "2-D, default": (2, DEFAULT),
    "3-D, default": (3, DEFAULT),
    "2-D, the paper's": (2, PAPER),
    "3-D, the paper's": (3, PAPER),
}
MEASURED_AS = "tf32, same losses"
"""The row of ``benchmarks.gpu`` that has what is counted here."""


@dataclass(frozen=True)
class Cost:
    """Of one voxel of a pair, or of a labeled image; work in FLOPs, what is held in bytes."""

    parameters: int
    backbone: float
    deformer: float
    pair: float
    labeled: float
    held_pair: float
    held_labeled: float

    def cells(self) -> list[str]:
        """As the page has them: millions, thousands of FLOPs, thousands of bytes."""
        work = (self.backbone, self.deformer, self.pair, self.labeled)
        held = (self.held_pair, self.held_labeled)
        return [
            f"{self.parameters / 1e6:.2f} M",
            *(f"{value / 1e3:,.0f}" for value in work),
            *(f"{value / 1e3:.1f}" for value in held),
        ]


def count(dims: int, channels: Sequence[int]) -> Cost:
    """Counted on 96 x 96 or 48 x 48 x 48; the paper's widths have a field at full resolution."""
    size = (96, 96) if dims == 2 else (48, 48, 48)
    half = tuple(channels) == DEFAULT
    network = Gemini(dims, 1, 5, channels=channels, half_resolution_field=half)
    parts = {"pair": HomeomorphismObjective(), "labeled": SegmentationObjective()}
    learner = Learner(network, parts)
    image, other = torch.rand(2, 1, 1, *size)
    batch = {"image_a": image, "image_b": other, "image": image, "label": torch.zeros_like(image)}
    with torch.no_grad():
        features = network.features(image)
        forward = [
            _work(lambda: network.features(image)),
            _work(lambda: network.deformer.both_ways(features, features)),
        ]
    found = [count_work(learner, name, batch) for name in parts]
    each = [*forward, *(2 * own.multiply_adds for own in found), *(own.kept for own in found)]
    parameters = sum(p.numel() for p in network.parameters())
    return Cost(parameters, *(value / math.prod(size) for value in each))


def _work(function: Callable[[], Any]) -> int:
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()


def table() -> None:
    """Print the rows of the page's table."""
    for name, row in ROWS.items():
        print(f"| {name} | {' | '.join(count(*row).cells())} |")


def plot(output: str, measured: str | None = None) -> None:
    """Draw work and memory of an iteration of one pair and one labeled image over voxels.

    Args:
        output: File of the picture.
        measured: JSON of ``benchmarks.gpu``, whose peaks are drawn as dots.
    """
    figure = Figure(figsize=(9, 3.8), dpi=120, layout="constrained")
    work, memory = figure.subplots(1, 2)
    voxels = np.geomspace(96**2, 144 * 144 * 128, 50)
    for place, (name, row) in enumerate(ROWS.items()):
        cost, line = count(*row), {"color": color_of(place), "label": name}
        work.plot(voxels, voxels * (cost.pair + cost.labeled) / 1e12, **line)
        memory.plot(voxels, (voxels * cost.held_pair + 16 * cost.parameters) / 2**30, **line)
    if measured:
        _dots(memory, json.loads(Path(measured).read_text(encoding="utf-8")))
    work.set(ylabel="TFLOP of an iteration")
    memory.set(ylabel="held at the peak, GiB")
    for axes in (work, memory):
        axes.set(xlabel="voxels of all pairs", xscale="log", yscale="log")
        axes.spines[["top", "right"]].set_visible(False)
    work.legend(frameon=False)
    figure.savefig(output)


def _dots(axes: Axes, found: dict[str, Any]) -> None:
    for step in found["steps"]:
        setting = SETTINGS[step["setting"]]
        if step["way"] == MEASURED_AS:
            row = (len(setting.size), setting.channels)
            place = [(dims, tuple(widths)) for dims, widths in ROWS.values()].index(row)
            voxels = setting.pairs * math.prod(setting.size)
            axes.plot(voxels, step["mebibytes"] / 1024, "o", color=color_of(place))


if __name__ == "__main__":
    run_command({"table": table, "plot": plot})
