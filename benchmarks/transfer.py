"""What pre-training buys: fine-tuning on few to many labels, from several starts, over seeds.

    python -m benchmarks.transfer run data/hippocampus runs/transfer
    python -m benchmarks.transfer table runs/transfer
    python -m benchmarks.transfer picture runs/transfer docs/transfer.png

``run`` takes a prepared data set, pre-trains on its unlabeled images by each method, fine-tunes
from each on seeded, nested choices of its labeled ones, and leaves out what is there already. A
seed is that of everything: weights, batches, and which labeled images are chosen. ``table``
compares on the test images; ``picture`` draws Dice over labels, and validation over iterations.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fire
import numpy as np
from matplotlib.figure import Figure

from gemini_monai.report.figures.ink import color_of
from gemini_monai.report.read import (
    PairedDifference,
    RunContents,
    paired_difference,
    per_case,
    read_run,
)

CONFIGS = "bundles/gemini_mip/configs"
STARTS = {"scratch": [], "restoration": ["method_restoration_only"], "gvsl": ["method_gvsl"]}
STARTS["gemini"] = []
LABELS, SEEDS = (5, 10, 25, 50), (0, 1, 2)


def run(
    dataset: str,
    runs: str,
    labels: Sequence[int] = LABELS,
    seeds: Sequence[int] = SEEDS,
    starts: Sequence[str] = tuple(STARTS),
    jobs: int = 2,
    pretrain: str = "",
    finetune: str = "",
    data: str = "hippocampus",
) -> None:
    """Make every run that is not there yet.

    Args:
        dataset: Folder of a ``dataset.json``.
        runs: Where the run folders go.
        labels: Numbers of labeled images to fine-tune on.
        seeds: Of the repetitions.
        starts: What to fine-tune from.
        jobs: Processes at a time, one thread each.
        pretrain: More overrides of every pre-training, as on the command line.
        finetune: The same for every fine-tuning.
        data: The data set's configurations: ``dataset_<data>``, and ``finetune_<data>`` if any.
    """
    overlay = f"finetune_{data}"
    overlay = overlay if Path(CONFIGS, f"{overlay}.json").is_file() else f"dataset_{data}"

    def chain(start: str, seed: int) -> None:
        common = ["--dataset_dir", dataset, "--seed", str(seed)]
        before = Path(runs) / f"pretrained_{start}_{seed}"
        if start != "scratch":
            names = ["train", f"dataset_{data}", *STARTS[start]]
            _train(names, [*common, *pretrain.split()], output=before)
        source = "none" if start == "scratch" else str(before)
        for count in labels:
            options = [*common, "--pretrained", source, "--labeled_cases", str(count)]
            output = Path(runs) / f"{start}_{count}_{seed}"
            _train(["finetune", overlay], [*options, *finetune.split()], output=output)

    with ThreadPoolExecutor(jobs) as pool:
        chains = [(start, seed) for seed in seeds for start in starts]
        for made in [pool.submit(chain, *each) for each in chains]:
            made.result()


def _train(names: Sequence[str], options: Sequence[str], *, output: Path) -> None:
    if (output / "report.html").is_file():  # the last thing that a run writes
        return
    files = str([f"{CONFIGS}/{name}.json" for name in names])
    command = [sys.executable, "-m", "monai.bundle", "run", "training", "--config_file", files]
    output.mkdir(parents=True, exist_ok=True)
    with (output / "log.txt").open("w") as log:
        subprocess.run(
            [*command, *options, "--output_dir", str(output)],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
            check=True,
        )


def _read(runs: str, start: str, count: int, seeds: Sequence[int]) -> list[RunContents]:
    folders = [Path(runs) / f"{start}_{count}_{seed}" for seed in seeds]
    return [read_run(folder) for folder in folders if (folder / "report.html").is_file()]


def _means(runs: Sequence[RunContents]) -> np.ndarray:
    """Mean test Dice in percent of each run."""
    return np.array([100 * np.mean(list(per_case(run).values())) for run in runs])


def _difference(
    runs: Sequence[RunContents], reference: Sequence[RunContents]
) -> PairedDifference | None:
    """Over test cases, each case's difference being its mean over seeds."""
    scores, others = (
        {case: float(np.mean([per_case(run)[case] for run in each])) for case in per_case(each[0])}
        for each in (runs, reference)
    )
    return paired_difference(scores, others)


def table(
    runs: str,
    labels: Sequence[int] = LABELS,
    seeds: Sequence[int] = SEEDS,
    starts: Sequence[str] = tuple(STARTS),
) -> None:
    """Print, as Markdown, test Dice by labels and start, and what each adds to scratch."""
    print("| labeled | start | seeds | test Dice | minus scratch, points | per seed |")
    print("|---|---|---|---|---|---|")
    for count in labels:
        reference = _read(runs, "scratch", count, seeds)
        for start in starts:
            found = _read(runs, start, count, seeds)
            means = _means(found)
            row = f"| {count} | {start} | {len(found)} | {_spread(means)} | "
            print(row + ("| |" if start == "scratch" else _added(found, reference)))


def _added(found: Sequence[RunContents], reference: Sequence[RunContents]) -> str:
    difference = _difference(found, reference) if len(found) == len(reference) > 0 else None
    if difference is None:
        return "- | - |"
    each = ", ".join(f"{value:+.1f}" for value in _means(found) - _means(reference))
    mean, low, high = (100 * getattr(difference, name) for name in ("mean", "low", "high"))
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f}) | {each} |"


def _spread(means: np.ndarray) -> str:
    if not len(means):
        return "-"
    return f"{means.mean():.1f}" + (f" ± {means.std(ddof=1):.1f}" if len(means) > 1 else "")


def picture(
    runs: str, output: str, labels: Sequence[int] = LABELS, seeds: Sequence[int] = SEEDS
) -> None:
    """Draw test Dice over labels, and validation Dice over iterations at the fewest labels."""
    figure = Figure(figsize=(11, 4.2), dpi=120, layout="constrained")
    left, right = figure.subplots(1, 2)
    for place, start in enumerate(STARTS):
        style = {"color": color_of(place), "label": start}
        means = [_means(_read(runs, start, count, seeds)) for count in labels]
        for count, values in zip(labels, means, strict=True):
            left.plot([count] * len(values), values, ".", color=style["color"], alpha=0.5)
        left.plot(labels, [np.mean(values) for values in means], "-o", **style)
        curves = [run.validation for run in _read(runs, start, labels[0], seeds)]
        series = [100 * curve.columns["mean_dice"] for curve in curves if curve is not None]
        iterations = next(curve.iterations for curve in curves if curve is not None)
        right.plot(iterations, np.mean(series, axis=0), **style)
    left.set(xscale="log", xlabel="labeled images", ylabel="test Dice (%)", xticks=labels)
    left.set_xticklabels([str(count) for count in labels])
    left.minorticks_off()
    right.set(xlabel="iteration of fine-tuning", ylabel="validation Dice (%)")
    left.set_title("Dots: seeds; line: their mean")
    right.set_title(f"{labels[0]} labeled images, mean over seeds")
    right.legend(loc="lower right", frameon=False)
    figure.savefig(output)


if __name__ == "__main__":
    fire.Fire({"run": run, "table": table, "picture": picture})
