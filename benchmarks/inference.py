"""Time and peak memory of segmenting one volume, whole and window by window.

    python -m benchmarks.inference compare --size "[144,144,128]"
    python -m benchmarks.inference ways --size "[128,128,100]" --window "[40,56,40]"

Each way of ``compare`` has a process of its own; "net" memory is less what the imports took.
Nothing is kept of the forward pass; of sliding windows, the scores of the whole volume are.
``ways`` is the time of our windows beside that of MONAI's, one at a time, in one process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence

import torch
from monai.inferers import SlidingWindowInferer
from torch import Tensor

from benchmarks.command import run_command
from benchmarks.memory import WIDTHS
from benchmarks.step import peak_resident
from gemini_monai.inference import window_inferer
from gemini_monai.inference.windows import windows_at_a_time
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
    inferer = window_inferer(_spec(window, size), overlap=overlap)
    start = time.process_time()
    with torch.inference_mode():
        label = (inferer(image, network) if window else network(image)).argmax(dim=1)
    seconds = time.process_time() - start
    found = {"size": list(size), "window": window and list(window), "classes": classes}
    found |= {"channels": list(channels), "threads": torch.get_num_threads()}
    found |= {"peak_mebibytes": round(peak_resident()), "net": round(peak_resident() - before)}
    print(json.dumps(found | {"cpu_seconds": round(seconds, 1), "voxels": label.numel()}))


def _spec(window: Sequence[int] | None, size: Sequence[int]) -> InputSpec:
    return InputSpec(
        spatial_dims=len(size),
        in_channels=1,
        spatial_size=window or size,
        intensity={"kind": "range", "lower": 0, "upper": 1},
    )


def compare(size: Sequence[int] = (144, 144, 128), **options: object) -> None:
    """Whole, then in windows of 96 and of 64 voxels."""
    given = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    for side in (None, 96, 64):
        window = [] if side is None else ["--window", str([min(side, axis) for axis in size])]
        command = [sys.executable, "-m", "benchmarks.inference", "measure", "--size"]
        subprocess.run([*command, str(list(size)), *window, *given], check=True)


def ways(
    size: Sequence[int] = (128, 128, 100),
    window: Sequence[int] = (40, 56, 40),
    classes: int = 3,
    channels: Sequence[int] = (8, 16, 32, 64),
    overlap: float = 0.25,
    repeats: int = 3,
) -> None:
    """Print one JSON line: CPU seconds of both ways, least of some, and how alike their masks are.

    Args:
        size: Voxels of the volume, a body in air.
        window: Voxels of a window.
        classes: Of the label map, background included.
        channels: Widths of the backbone, whose weights are random.
        overlap: Of two windows.
        repeats: Times that both are measured, in turns.
    """
    spec = _spec(window, size)
    networks = []
    for _ in range(2):
        torch.manual_seed(0)
        networks.append(Gemini(len(size), 1, classes, channels).eval())
    plain, ours = networks[0], placed(networks[1], "cpu")
    image = _body(size)
    known = {
        "one_at_a_time": (SlidingWindowInferer(list(window), overlap=overlap), plain),
        "ours": (window_inferer(spec, overlap=overlap), ours),
    }
    seconds: dict[str, list[float]] = {name: [] for name in known}
    labels: dict[str, Tensor] = {}
    with torch.inference_mode():
        for _ in range(repeats):
            for name, (inferer, network) in known.items():
                start = time.process_time()
                labels[name] = torch.as_tensor(inferer(image, network)).argmax(dim=1)
                seconds[name].append(time.process_time() - start)
    first, second = (min(own) for own in seconds.values())
    same = (labels["ours"] == labels["one_at_a_time"]).float().mean()
    found = {"size": list(size), "window": list(window), "channels": list(channels)}
    found |= {"threads": torch.get_num_threads(), "at_a_time": windows_at_a_time(window)}
    found |= {"cpu_seconds": [round(first, 2), round(second, 2)], "times": round(first / second, 2)}
    print(json.dumps(found | {"same_voxels": round(float(same), 6)}))


def _body(size: Sequence[int]) -> Tensor:
    """Noise in an ellipse, and zeros around it, which are most of a CT of the trunk."""
    axes = [torch.linspace(-1, 1, side) for side in size]
    grid = torch.meshgrid(*axes, indexing="ij")
    inside = (grid[0] / 0.84) ** 2 + (grid[1] / 0.63) ** 2 < 1
    generator = torch.Generator().manual_seed(0)
    return (torch.rand(*size, generator=generator) * inside)[None, None]


if __name__ == "__main__":
    run_command({"measure": measure, "compare": compare, "ways": ways})
