"""What a GPU makes of a training: seconds, memory and share of its peak, knob by knob.

    python -m benchmarks.gpu [--output gpu.json] [--settings "['2d_96','3d_48']"] [--load False]

Each setting is a batch of noise on the GPU and the objectives of GEMINI-Semi, stepped by the
trainer that runs use; each row changes how it is computed, not what. ``published`` is the authors'
form of the same step, without the contrast that we add, and ``same losses`` is ours without it.
Loading is that of GEMINI-MIP from generated PNGs, by processes or with random transforms on the
GPU, beside the step that it must keep up with. One JSON has all of it, with the card's name.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.command import run_command
from benchmarks.gpu_loading import loading
from benchmarks.gpu_settings import COMPILED, SETTINGS, WAYS, Setting, Way, batch_of, learner_of
from benchmarks.published_form import homeomorphism_loss, segmentation_loss
from gemini_monai.base.errors import InputError
from gemini_monai.base.system import processors
from gemini_monai.engines import ObjectiveTrainer
from gemini_monai.engines.cost import count_work, seconds_an_iteration
from gemini_monai.objectives import Learner


def measured(learner: Learner, batch: dict[str, Tensor], way: Way, iterations: int) -> list[float]:
    """Seconds of each iteration but the first ones, in which algorithms are chosen."""
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = way.tf32
    torch.backends.cudnn.benchmark = way.benchmark
    trainer = ObjectiveTrainer(
        device="cuda",
        max_epochs=1,
        train_data_loader=[batch] * iterations,
        learner=learner,
        optimizer=torch.optim.Adam(learner.trainable(), 1e-4, fused=True),
        amp=way.bfloat16,
        amp_kwargs={"dtype": torch.bfloat16},
    )
    return seconds_an_iteration(trainer)[3:]


def published(setting: Setting, batch: Mapping[str, Tensor], iterations: int) -> list[float]:
    """Seconds of the published form's iterations, as PyTorch has them by default."""
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = torch.backends.cuda.matmul.allow_tf32 = False
    own = learner_of(setting, WAYS["tf32"])
    network = own.network
    for module in network.modules():
        if isinstance(module, torch.nn.LeakyReLU):
            module.inplace = False
    optimizer = torch.optim.Adam(network.parameters(), 1e-4)
    times = []
    for _ in range(iterations):
        start = time.perf_counter()
        for loss in (
            lambda: homeomorphism_loss(network, batch["image_a"], batch["image_b"]),
            lambda: segmentation_loss(network, batch["image"], batch["label"].long()),
        ):
            optimizer.zero_grad(set_to_none=True)
            loss().backward()
            optimizer.step()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return times[4:]


def row(
    name: str, times: Callable[[], Sequence[float]], *, adds: int, peak: float
) -> dict[str, Any]:
    """What is kept of one way to compute a step; also of one that needs too much memory."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    try:
        found = np.array(times())
    except torch.OutOfMemoryError:
        return {"way": name, "failed": "out of memory"}
    low, middle, high = np.percentile(1000 * found, (0, 50, 100)).round(2).tolist()
    return {
        "way": name,
        "milliseconds": middle,
        "spread": [low, high],
        "mebibytes": round(torch.cuda.max_memory_allocated() / 2**20),
        "percent_of_bfloat16_peak": round(100 * 2 * adds / (middle / 1000) / peak, 1),
    }


def matmul_peak(dtype: torch.dtype, *, size: int = 8192) -> float:
    """FLOPs a second of a large matrix product."""
    a, b = torch.randn(2, size, size, device="cuda", dtype=dtype)
    for _ in range(3):
        a @ b
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(10):
        a @ b
    torch.cuda.synchronize()
    return 10 * 2 * size**3 / (time.perf_counter() - start)


def steps(
    name: str, setting: Setting, *, ways: Mapping[str, Way], iterations: int, peak: float
) -> Iterator[dict[str, Any]]:
    """A row for each way to compute a setting's step."""
    batch = batch_of(setting)
    learner = learner_of(setting, WAYS["bfloat16"])
    work = {key: count_work(learner, key, batch).multiply_adds for key in learner.objectives}
    del learner
    for title, way in ways.items():
        adds = sum(value for key, value in work.items() if way.contrast or key != "contrast")
        yield {"setting": name} | row(
            title,
            lambda way=way: measured(learner_of(setting, way), batch, way, iterations),
            adds=adds,
            peak=peak,
        )
    adds = sum(value for key, value in work.items() if key != "contrast")
    yield {"setting": name} | row(
        "published", lambda: published(setting, batch, iterations), adds=adds, peak=peak
    )


def main(
    output: str = "gpu.json",
    settings: Sequence[str] = tuple(SETTINGS),
    iterations: int = 12,
    compiled: Sequence[str] = ("2d_512",),
    load: bool = True,
) -> None:
    """Print a row for each way and setting, and write all of them.

    Args:
        output: JSON file, written after each row.
        settings: Keys of ``SETTINGS``.
        iterations: Of each row, the first four of which are not counted.
        compiled: Settings that are measured with ``torch.compile``, too, which takes a minute each.
        load: Whether loading is measured.

    Raises:
        InputError: If PyTorch has no GPU here.
    """
    if not torch.cuda.is_available():
        raise InputError(f"expected a GPU, and PyTorch {torch.__version__} finds none here")
    peaks = {kind: matmul_peak(getattr(torch, kind)) for kind in ("float32", "bfloat16")}
    found: dict[str, Any] = {
        "card": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cores": processors(),
        "python": platform.python_version(),
        "matmul_tflops": {kind: round(peak / 1e12, 1) for kind, peak in peaks.items()},
        "steps": [],
        "loading": [],
    }
    print({key: value for key, value in found.items() if value})
    peak = peaks["bfloat16"]
    rows = {"steps": _all_steps(settings, compiled, iterations=iterations, peak=peak)}
    rows["loading"] = loading() if load else iter(())
    for part in rows:
        for line in rows[part]:
            found[part].append(line)
            print("  ".join(f"{key} {value}" for key, value in line.items()), flush=True)
            Path(output).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _all_steps(
    settings: Sequence[str], compiled: Sequence[str], *, iterations: int, peak: float
) -> Iterator[dict[str, Any]]:
    for name in settings:
        own = SETTINGS[name].ways or tuple(WAYS)
        ways = {title: WAYS[title] for title in own} | (COMPILED if name in compiled else {})
        yield from steps(name, SETTINGS[name], ways=ways, iterations=iterations, peak=peak)


if __name__ == "__main__":
    run_command(main)
