"""Peak memory and time of one GEMINI-Semi iteration, at any size, with all kept or as little.

    python -m benchmarks.memory measure --size "[144,144,128]" --classes 8 --memory low
    python -m benchmarks.memory compare --size "[48,48,48]"

The iteration is that of ``gemini_semi/train.json`` with one pair, one image in two views and one
labeled image: a step for each objective with the optimizer's moments there, so two iterations are
made. Memory is that of a process of its own; "net" is less what the imports took.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence

import torch

from benchmarks.command import run_command
from benchmarks.step import peak_resident
from gemini_monai.networks import Gemini, placed
from gemini_monai.objectives import (
    ContrastObjective,
    HomeomorphismObjective,
    Learner,
    SegmentationObjective,
)

WIDTHS = (32, 64, 128, 256, 512)


def measure(
    size: Sequence[int] = (48, 48, 48),
    classes: int = 8,
    channels: Sequence[int] = WIDTHS,
    memory: str = "low",
    iterations: int = 2,
    half_resolution_field: bool = True,
) -> None:
    """Print one JSON line: MiB at the peak and net, CPU and wall seconds of the last iteration.

    Args:
        size: Voxels of an image.
        classes: Of the label map, background included.
        channels: Widths of the backbone.
        memory: ``normal`` or ``low``.
        iterations: 2 or more have the optimizer's moments at the peak.
        half_resolution_field: As the knob; the published code has ``False``.
    """
    before = peak_resident()
    learner, batch = setup(size, classes, channels, memory, half_resolution_field)
    optimizer = torch.optim.Adam(learner.trainable(), 1e-4, fused=True)
    for _ in range(iterations):
        cpu, wall = time.process_time(), time.perf_counter()
        for name in learner.objectives:
            optimizer.zero_grad(set_to_none=True)
            torch.stack(list(learner([name], batch).values())).sum().backward()
            optimizer.step()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    found = {"size": list(size), "classes": classes, "channels": list(channels), "memory": memory}
    found |= {"half_resolution_field": half_resolution_field, "threads": torch.get_num_threads()}
    found |= {"peak_mebibytes": round(peak_resident()), "net": round(peak_resident() - before)}
    print(json.dumps(found | {"cpu_seconds": round(cpu, 1), "wall_seconds": round(wall, 1)}))


def setup(
    size: Sequence[int], classes: int, channels: Sequence[int], memory: str, half: bool
) -> tuple[Learner, dict[str, torch.Tensor]]:
    """The learner of the defaults, and a batch of noise."""
    axes = len(size)
    torch.manual_seed(0)
    network = Gemini(axes, 1, classes, channels, half_resolution_field=half)
    objectives = {
        "homeomorphism": HomeomorphismObjective(),
        "contrast": ContrastObjective(),
        "segmentation": SegmentationObjective(weight=10.0),
    }
    learner = Learner(placed(network, "cpu", memory=memory), objectives)
    keys = ("image_a", "image_b", "view_a", "view_b", "image")
    batch = {key: torch.rand(1, 1, *size) for key in keys}
    batch["ddf_ab"] = torch.rand(1, axes, *size)
    batch["label"] = torch.randint(classes, (1, 1, *size), dtype=torch.uint8)
    return learner, batch


def compare(size: Sequence[int] = (48, 48, 48), **options: object) -> None:
    """One line for each amount of memory, each in a process of its own."""
    given = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    for memory in ("normal", "low"):
        command = [sys.executable, "-m", "benchmarks.memory", "measure", "--size", str(list(size))]
        subprocess.run([*command, "--memory", memory, *given], check=True)


if __name__ == "__main__":
    run_command({"measure": measure, "compare": compare})
