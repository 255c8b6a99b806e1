"""Whether choosing which scans to label beats random draws: the experiment of its page.

    python -m benchmarks.choosing run runs/choosing.csv hearts lungs hippocampus
    python -m benchmarks.choosing table runs/choosing.csv

``run`` trains on five labels at a time and appends a row for each training; one that is there is
passed over, so that a stopped experiment goes on. The protocol is in docs/results/choosing.md. Data
sets are prepared folders: their labeled scans are the pool, of which nothing but images is looked
at before five are chosen; their test scans are the test of every draw.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.command import run_command
from gemini_monai.base.tables import read_table
from gemini_monai.choosing.describing import described, description_of
from gemini_monai.choosing.distances import FAR, distances, outlyingness
from gemini_monai.choosing.strategies import STRATEGIES, Pool, at_random
from gemini_monai.data import Cohort, read_cohort
from gemini_monai.data.streams.stream import stacked
from gemini_monai.engines.schedule import CosineDecay
from gemini_monai.metrics.dice import dice_per_structure
from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner, SegmentationObjective
from gemini_monai.transforms import preprocessing

LABELS = 5
DRAWS = 20
SEEDS = 2
ITERATIONS = 150
IMAGES = {2: 5, 3: 2}
"""Of an iteration, by the number of axes."""
CHANNELS = (8, 16, 32)
RATE, FINAL, AVERAGE = 5e-3, 0.01, 0.97
"""Of Adam, the share of it that is left at the end, and of the average of weights."""
FEATURES = ("network", "combined", "thumbnail", "histogram")
RULES = ("k_medoids", "typical")
PRETRAINED = {"lungs": "models/chest_xray"}
"""Runs that saw none of a data set's patients, by the name of the folder."""
COLUMNS = ("data", "strategy", "draw", "seed", "dice", "worst_tenth", "cases", "seconds")


class Arm(NamedTuple):
    """Scans that are labeled, and why."""

    strategy: str
    draw: int
    chosen: tuple[int, ...]


@dataclass(frozen=True)
class Experiment:
    """A data set whose pool and test are read."""

    name: str
    cohort: Cohort
    pool: list[dict[str, Any]]
    test: list[dict[str, Any]]

    @property
    def patients(self) -> np.ndarray:
        """Patient of each scan of the pool."""
        return np.array([entry.get("patient", entry["case"]) for entry in self.cohort.labeled])


def opened(folder: str) -> Experiment:
    """A data set with its images as the network sees them; a label is read when it is used."""
    cohort = read_cohort(Path(folder) / "dataset.json")
    before = preprocessing(cohort.input_spec(), fit=True)
    return Experiment(Path(folder).name, cohort, cohort.labeled, list(map(before, cohort.test)))


def arms(experiment: Experiment) -> Iterator[Arm]:
    """Every strategy's five, then random fives, one scan of each of five patients."""
    images = [{k: v for k, v in own.items() if k != "label"} for own in experiment.pool]
    patients = experiment.patients
    kinds: list[tuple[str, str, str | None]] = [(name, name, None) for name in FEATURES]
    if pretrained := PRETRAINED.get(experiment.name):
        kinds.append(("pretrained", "network", pretrained))
    for name, features, run in kinds:
        vectors = described(images, description_of(experiment.cohort, features, pretrained=run))
        between = distances(vectors)
        pool = Pool(between, patients, outlyingness(between, patients) < FAR)
        for rule in (*RULES, *(["k_center"] if name == "network" else [])):
            yield Arm(f"{name} {rule}", 0, tuple(STRATEGIES[rule](pool, LABELS)))
    for draw in range(DRAWS):
        everyone = Pool(between, patients, np.ones(len(images), dtype=bool), seed=draw)
        yield Arm("random", draw, tuple(at_random(everyone, LABELS)))


def run(output: str, *data: str, seeds: int = SEEDS) -> None:
    """Train on every arm's five, one seed of all data sets after the other.

    Args:
        output: Table that rows are appended to.
        data: Prepared data sets.
        seeds: Trainings of each five.
    """
    torch.set_num_threads(1)
    experiments = [opened(folder) for folder in data]
    plans = [list(arms(experiment)) for experiment in experiments]
    for seed in range(seeds):
        for experiment, plan in zip(experiments, plans, strict=True):
            for arm in plan:
                _train_once(Path(output), experiment, arm, seed)


def _train_once(output: Path, experiment: Experiment, arm: Arm, seed: int) -> None:
    key = [experiment.name, arm.strategy, str(arm.draw), str(seed)]
    there = read_table(output) if output.exists() else []
    if key in [[row[name] for name in COLUMNS[:4]] for row in there]:
        return
    start = time.process_time()
    scores = np.array(test_dice(experiment, trained(experiment, arm.chosen, seed=seed)))
    worst = np.sort(scores)[: max(1, len(scores) // 10)].mean()
    cases = ";".join(experiment.pool[k]["case"] for k in arm.chosen)
    row = [*key, f"{scores.mean():.5f}", f"{worst:.5f}", cases]
    row.append(f"{time.process_time() - start:.1f}")
    with output.open("a", newline="") as file:
        writer = csv.writer(file)
        if not there:
            writer.writerow(COLUMNS)
        writer.writerow(row)
    print(*row, flush=True)


def trained(experiment: Experiment, chosen: Sequence[int], *, seed: int) -> Gemini:
    """The average of a supervised training's weights at its end.

    Every iteration has ``IMAGES`` different ones of the labeled scans, each in another random view.
    """
    torch.manual_seed(seed)
    cohort = experiment.cohort
    before = preprocessing(cohort.input_spec(), fit=True)
    items = [before(dict(experiment.pool[k])) for k in chosen]
    batch = {key: stacked([item[key] for item in items]) for key in ("image", "label")}
    network = Gemini(cohort.spatial_dims, cohort.channels, _classes(cohort), CHANNELS)
    learner = Learner(network, {"segmentation": SegmentationObjective(weight=1)}, average=AVERAGE)
    optimizer = torch.optim.Adam(learner.trainable(), lr=RATE, fused=True)
    schedule = CosineDecay(optimizer, steps=ITERATIONS, final=FINAL)
    for _ in range(ITERATIONS):
        some = torch.randperm(len(items))[: IMAGES[cohort.spatial_dims]]
        drawn = {key: values[some] for key, values in batch.items()}
        terms = learner(["segmentation"], strongly_augmented(drawn))
        optimizer.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        optimizer.step()
        learner.after_step(["segmentation"])
        schedule.step()
    return learner.kept.eval()  # type: ignore[return-value]


def _classes(cohort: Cohort) -> int:
    return cohort.input_spec().out_channels


def strongly_augmented(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The batch turned, scaled and shifted at random, in other contrasts, with noise."""
    image, label = batch["image"], batch["label"]
    count, axes = len(image), image.ndim - 2
    turns = torch.linalg.matrix_exp(_skew(torch.empty(count, axes, axes).uniform_(-0.52, 0.52)))
    matrix = turns / torch.empty(count, 1, 1).uniform_(0.7, 1.4)
    moves = torch.empty(count, axes, 1).uniform_(-0.12, 0.12)  # of half a side: 6 % of a side
    grid = F.affine_grid(torch.cat([matrix, moves], dim=2), list(image.shape), align_corners=False)
    moved = F.grid_sample(image, grid, align_corners=False)
    places = F.grid_sample(label, grid, mode="nearest", align_corners=False)
    each = (count, *[1] * (axes + 1))
    curved = moved.clamp(0, 1) ** torch.empty(each).uniform_(-0.5, 0.5).exp()
    scaled = curved * torch.empty(each).uniform_(0.7, 1.3)
    noisy = scaled + torch.randn_like(scaled) * torch.empty(each).uniform_(0, 0.06)
    return {"image": noisy.clamp(0, 1), "label": places}


def _skew(values: Tensor) -> Tensor:
    return values.triu(1) - values.triu(1).transpose(1, 2)


@torch.inference_mode()
def test_dice(experiment: Experiment, network: Gemini) -> list[float]:
    """Mean Dice over structures of each test scan, on the network's grid."""
    classes = _classes(experiment.cohort)
    scores = []
    for item in experiment.test:
        logits = network(item["image"].as_tensor()[None].float())
        pair = (logits.argmax(dim=1), item["label"].as_tensor().long())
        masks = [torch.stack([own == k for k in range(1, classes)], dim=1) for own in pair]
        scores.append(float(dice_per_structure(*masks).nanmean()))
    return scores


def table(path: str) -> None:
    """Print what each strategy's five reach among random fives, as Markdown."""
    rows = read_table(path)
    print("| data | strategy | Dice | percentile | minus mean | minus worst tenth |")
    print("|---|---|---|---|---|---|")
    for data in dict.fromkeys(row["data"] for row in rows):
        means = _means([row for row in rows if row["data"] == data])
        random = np.sort([value for (name, _), value in means.items() if name == "random"])
        tenth = random[: max(1, len(random) // 10)].mean()
        print(f"| {data} | random | {random.mean():.1f} ± {random.std(ddof=1):.1f} | | | |")
        for (name, _), value in means.items():
            if name != "random":
                share = 100 * ((random < value).mean() + (random == value).mean() / 2)
                cells = [f"{value:.1f}", f"{share:.0f}", f"{value - random.mean():+.1f}"]
                print(f"| {data} | {name} | {' | '.join(cells)} | {value - tenth:+.1f} |")


def _means(rows: Sequence[Mapping[str, str]]) -> dict[tuple[str, str], float]:
    """Mean Dice in percent over the seeds of each five."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        found.setdefault((row["strategy"], row["draw"]), []).append(100 * float(row["dice"]))
    return {key: float(np.mean(values)) for key, values in found.items()}


if __name__ == "__main__":
    run_command({"run": run, "table": table})
