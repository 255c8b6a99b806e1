"""Time to load the batch of an iteration against a training step, in one run.

    python -m benchmarks.loading compare [--size 512] [--pairs 5] [--images 12] [--iterations 4]

Images are generated PNGs of 1024 x 1024, read, resized and augmented as GEMINI-MIP's
``train.json`` does, without a cache (cold), while the cache on disk is filled, and from it. With a
worker, loading runs beside the step and costs only what it takes longer.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Events
from monai.bundle import ConfigWorkflow
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from benchmarks import shipped
from benchmarks.command import run_command
from gemini_monai.data import Cohort, write_cohort

SIDE = 1024  # of a ChestX-ray8 image


def write_images(folder: Path, *, images: int, size: int) -> Path:
    """PNGs of smooth structure and noise, and their ``dataset.json``."""
    random = np.random.default_rng(0)
    for k in range(images):
        coarse = Image.fromarray(random.integers(0, 200, (16, 16)).astype(np.uint8))
        smooth = np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        noisy = smooth + random.integers(0, 8, smooth.shape)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / f"{k}.png")
    cohort = Cohort(
        path=folder / "dataset.json",
        name="loading",
        spatial_dims=2,
        channels=1,
        labels={"background": 0},
        overlapping=False,
        spacing=None,
        spatial_size=(size, size),
        intensity={"kind": "range", "lower": 0.0, "upper": 255.0},
        seed=0,
        hash="generated",
        unlabeled=[{"case": str(k), "image": f"{k}.png"} for k in range(images)],
    )
    return write_cohort(cohort)


def workflow(datalist: Path, *, iterations: int, **options: Any) -> ConfigWorkflow:
    """The shipped pre-training on these images, with separate pairs as for chest X-rays."""
    return shipped.workflow(
        "gemini_mip",
        datalist=datalist,
        epochs=1,
        epoch_length=iterations,
        pairing="separate",
        **options,
    )


def seconds_each(batches: Iterable[object], count: int) -> float:
    """Mean seconds of the iterations after the first, which starts the workers."""
    iterator = iter(batches)
    next(iterator)
    start = time.perf_counter()
    for _ in islice(iterator, count - 1):
        pass
    return (time.perf_counter() - start) / (count - 1)


def _loading(dataset: Dataset, *, workers: int, count: int) -> float:
    return seconds_each(DataLoader(dataset, batch_size=None, num_workers=workers), count)


def _step(datalist: Path, count: int, **options: Any) -> float:
    """Mean seconds of training steps after the first, on one batch that is there already."""
    batches = {"train#trainer#train_data_loader": f"$[@train#dataset[0]] * {count}"}
    flow = workflow(datalist, iterations=count, **batches, **options)
    trainer = flow.parser.get_parsed_content("train#trainer")
    times: list[float] = []
    for event in (Events.ITERATION_STARTED, Events.ITERATION_COMPLETED):
        trainer.add_event_handler(event, lambda: times.append(time.perf_counter()))
    trainer.run()
    return float(np.mean(np.diff(times)[2::2]))


def compare(
    size: int = 512,
    pairs: int = 5,
    images: int = 12,
    iterations: int = 4,
    steps: int = 2,
    channels: tuple[int, ...] = (32, 64, 128, 256, 512),
) -> None:
    """Print seconds an iteration and their ratio to the training step."""
    with tempfile.TemporaryDirectory() as name:
        datalist = write_images(Path(name), images=images, size=size)
        shared = {"iterations": iterations, "pairs": pairs, "channels": list(channels)}
        disk = workflow(datalist, cache_dir=f"{name}/cache", **shared)
        cold = workflow(datalist, cache_rate=0.0, **shared)
        step = _step(datalist, steps, pairs=pairs, channels=list(channels))
        print(f"{size} x {size}, {pairs} pairs, {torch.get_num_threads()} threads")
        print(f"{'training step':<32}{step:>8.3f} s")
        for title, flow in (("cold", cold), ("filling the cache", disk), ("from the cache", disk)):
            dataset = flow.parser.get_parsed_content("train#dataset")
            for workers in (0,) if title.startswith("filling") else (0, 1, 2):
                taken = _loading(dataset, workers=workers, count=iterations)
                row = f"{title}, {workers} worker(s)"
                print(f"{row:<32}{taken:>8.3f} s{100 * taken / step:>8.1f} % of the step")


if __name__ == "__main__":
    run_command({"compare": compare})
