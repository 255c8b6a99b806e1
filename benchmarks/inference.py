"""Time and peak memory of segmenting one volume, whole and window by window.

    python -m benchmarks.inference compare --size "[144,144,128]"

Each way has a process of its own; "net" memory is less what the imports took. Nothing is kept of
the forward pass; of sliding windows, the scores of the whole volume are.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence

import torch

from benchmarks.command import run_command
from benchmarks.memory import WIDTHS
from benchmarks.step import peak_resident
from gemini_monai.inference import window_inferer
from gemini_monai.networks import Gemini, placed
from gemini_monai.transforms import InputSpec


def measure(
    size: Sequence[int] = (144, 144, 128),
    window: Sequence[int] | None = None,
    classes: int = 8,
    channels: Sequence[int] = WIDTHS,
    overlap: float = 0.25,
) -> None:
    """Print one JSON line: MiB at the peak and net, CPU seconds.

    Args:
        size: Voxels of the volume.
        window: Voxels of a window; the whole volume if there is none.
        classes: Of the label map, background included.
        channels: Widths of the backbone.
        overlap: Of two windows.
    """
    before = peak_resident()
    torch.manual_seed(0)
    network = placed(Gemini(len(size), 1, classes, channels), "cpu").eval()
    image = torch.rand(1, 1, *size)
    spec = InputSpec(
        spatial_dims=len(size),
        in_channels=1,
        spatial_size=window or size,
        intensity={"kind": "range", "lower": 0, "upper": 1},
    )
    inferer = window_inferer(spec, overlap=overlap)
    start = time.process_time()
    with torch.inference_mode():
        label = (inferer(image, network) if window else network(image)).argmax(dim=1)
    seconds = time.process_time() - start
    found = {"size": list(size), "window": window and list(window), "classes": classes}
    found |= {"channels": list(channels), "threads": torch.get_num_threads()}
    found |= {"peak_mebibytes": round(peak_resident()), "net": round(peak_resident() - before)}
    print(json.dumps(found | {"cpu_seconds": round(seconds, 1), "voxels": label.numel()}))


def compare(size: Sequence[int] = (144, 144, 128), **options: object) -> None:
    """Whole, then in windows of 96 and of 64 voxels."""
    given = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    for side in (None, 96, 64):
        window = [] if side is None else ["--window", str([min(side, axis) for axis in size])]
        command = [sys.executable, "-m", "benchmarks.inference", "measure", "--size"]
        subprocess.run([*command, str(list(size)), *window, *given], check=True)


if __name__ == "__main__":
    run_command({"measure": measure, "compare": compare})
