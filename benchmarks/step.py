"""CPU time and memory of our training iteration against the published form of it, in one run.

    python -m benchmarks.step compare [--setting 3d_48] [--repeats 5]

Both compute the same losses from the same weights and images, which is checked first. Steps
alternate, so that whatever else the machine does falls on both; times are of the process on all
threads. Memory is that of the tensors there at one time, and the peak of processes of their own,
three of each, less what the imports took; between them lies what the allocator cannot use again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from benchmarks.command import run_command
from benchmarks.live_tensors import LiveTensors, held_by
from benchmarks.published_form import homeomorphism_loss, segmentation_loss
from gemini_monai.base.system import peak_memory
from gemini_monai.networks import Gemini
from gemini_monai.objectives import HomeomorphismObjective, SegmentationObjective

SETTINGS = {"2d_128": ((128, 128), 2), "2d_256": ((256, 256), 2), "3d_48": ((48, 48, 48), 1)}
CLASSES = 5
Losses = list[Callable[[], torch.Tensor]]


def setup(form: str, setting: str) -> tuple[Losses, torch.optim.Optimizer]:
    """The losses of one iteration, in the order of their steps, and their optimizer."""
    size, batch = SETTINGS[setting]
    axes = len(size)
    torch.manual_seed(0)
    network = Gemini(axes, 1, CLASSES)
    a, b = torch.rand(2, batch, 1, *size)
    label = torch.randint(CLASSES, (batch, 1, *size))
    if form == "published":
        for module in network.modules():
            if isinstance(module, torch.nn.LeakyReLU):
                module.inplace = False
        losses = [
            lambda: homeomorphism_loss(network, a, b),
            lambda: segmentation_loss(network, a, label),
        ]
        return losses, torch.optim.Adam(network.parameters(), 1e-4)
    if axes == 3:  # as train.json does
        network = network.to(memory_format=torch.channels_last_3d)
    pairs, labels = HomeomorphismObjective(), SegmentationObjective()
    everything = {"image_a": a, "image_b": b, "image": a, "label": label}
    losses = [
        lambda: torch.stack(list(pairs(network, everything).values())).sum(),
        lambda: torch.stack(list(labels(network, everything).values())).sum(),
    ]
    return losses, torch.optim.Adam(network.parameters(), 1e-4, fused=True)


def iterate(losses: Losses, optimizer: torch.optim.Optimizer) -> list[float]:
    """One iteration: a step per loss; the losses before it."""
    values = []
    for loss in losses:
        optimizer.zero_grad(set_to_none=True)
        value = loss()
        value.backward()
        optimizer.step()
        values.append(float(value.detach()))
    return values


def measure(setting: str, repeats: int) -> dict[str, list[float]]:
    """CPU seconds of each iteration, ours and published in turn, after one to warm up."""
    steps = {form: setup(form, setting) for form in ("ours", "published")}
    first = {form: iterate(*step) for form, step in steps.items()}
    np.testing.assert_allclose(first["ours"][0], first["published"][0], rtol=1e-3)
    seconds: dict[str, list[float]] = {form: [] for form in steps}
    for _ in range(repeats):
        for form, step in steps.items():
            start = time.process_time()
            iterate(*step)
            seconds[form].append(time.process_time() - start)
    return seconds


def peak(form: str, setting: str) -> None:
    """Print the peak memory in MiB of two iterations, less that of the imports."""
    before = peak_resident()
    step = setup(form, setting)
    for _ in range(2):
        iterate(*step)
    print(peak_resident() - before)


def tensors(form: str, setting: str) -> float:
    """MiB of the tensors of an iteration, weights and moments too, when they are most."""
    losses, optimizer = setup(form, setting)
    iterate(losses, optimizer)
    with LiveTensors(held_by(optimizer)) as live:
        iterate(losses, optimizer)
    return live.peak / 2**20


def peak_resident() -> float:
    """MiB of this process alone."""
    return peak_memory() / 2**20


def _peak_in_a_process(form: str, setting: str) -> float:
    command = [sys.executable, "-m", "benchmarks.step", "peak", form, setting]
    result = subprocess.run(
        command, check=True, capture_output=True, encoding="utf-8", env=os.environ
    )
    return float(result.stdout.split()[-1])


def _spread(values: Sequence[float], *, digits: int = 2) -> list[float]:
    """Median, least and most."""
    found: list[float] = np.round(np.percentile(values, (50, 0, 100)), digits).tolist()
    return found


def compare(setting: str = "3d_48", repeats: int = 5) -> None:
    """Print one JSON line: CPU seconds, MiB and ratios published / ours; median, least and most."""
    seconds = measure(setting, repeats)
    memory = {form: [_peak_in_a_process(form, setting) for _ in range(3)] for form in seconds}
    counted = {form: round(tensors(form, setting)) for form in seconds}
    ratios = np.array(seconds["published"]) / np.array(seconds["ours"])
    found = {
        "setting": setting,
        "threads": torch.get_num_threads(),
        "seconds": {form: _spread(own) for form, own in seconds.items()},
        "ratio_of_time": _spread(ratios),
        "mebibytes_of_tensors": counted,
        "mebibytes": {form: _spread(own, digits=0) for form, own in memory.items()},
        "ratio_of_memory": round(np.median(memory["published"]) / np.median(memory["ours"]), 2),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    run_command({"compare": compare, "peak": peak})
