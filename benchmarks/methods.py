"""What an iteration of each compared system costs, as a multiple of supervised training's.

    python -m benchmarks.methods semi
    python -m benchmarks.methods mip

Each is its shipped configuration on the phantom: batches, their loading and all steps of an
iteration. Seconds are of the processor, the median of the iterations but the first; a system that
does something now and then, such as clustering, is not charged for it.
"""

from __future__ import annotations

import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from ignite.engine import Events
from tqdm import tqdm

from benchmarks.command import run_command
from benchmarks.shipped import BUNDLES, workflow
from gemini_monai.configuration import measured_trainer
from gemini_monai.data.phantom import write_phantom

NAMES = {"semi": "gemini_semi", "mip": "gemini_mip"}
BASELINE = "gemini_semi", "supervised"
DEFAULT = "(default)"


def methods(bundle: str) -> list[str]:
    """Names of a bundle's overlays that are compared, and of the configuration without one."""
    files = sorted((BUNDLES / bundle / "configs").glob("method_*.json"))
    names = [path.stem.removeprefix("method_") for path in files]
    return [*(name for name in names if name not in ("light", "published")), DEFAULT]


def seconds(bundle: str, method: str, *, datalist: Path, iterations: int) -> list[float]:
    """Processor seconds of each iteration but the first.

    Args:
        bundle: Its folder's name.
        method: Of an overlay, or ``DEFAULT``.
        datalist: The data set that is trained on.
        iterations: How many are made.
    """
    flow = workflow(
        bundle,
        datalist=datalist,
        overlays=[] if method == DEFAULT else [f"method_{method}"],
        epoch_length=iterations,
        device="cpu",
        num_workers=0,
    )
    whole = flow.parser.get_parsed_content("train#trainer")
    trainer = measured_trainer(whole, iterations=iterations)
    ends: list[float] = []
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda: ends.append(time.process_time()))
    trainer.run()
    return [end - start for start, end in pairwise(ends)]


def main(bundle: str, iterations: int = 8) -> None:
    """Print a Markdown row for each system, the cheapest first.

    Args:
        bundle: ``semi`` or ``mip``.
        iterations: Of each system, the first of which is not counted.
    """
    with tempfile.TemporaryDirectory() as folder:
        datalist = write_phantom(folder)
        own = [(NAMES[bundle], method) for method in methods(NAMES[bundle])]
        found = {}
        for key in tqdm(list(dict.fromkeys([BASELINE, *own]))):
            taken = seconds(*key, datalist=datalist, iterations=iterations)
            found[key] = float(np.median(taken))
    print("| system | CPU seconds | times supervised |\n|---|---|---|")
    for key in sorted(own, key=lambda key: found[key]):
        print(f"| {key[1]} | {found[key]:.2f} | {found[key] / found[BASELINE]:.1f} |")


if __name__ == "__main__":
    run_command(main)
