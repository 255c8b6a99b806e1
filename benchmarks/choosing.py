"""Whether choosing which scans to label beats random draws: the experiment of its page.

    python -m benchmarks.choosing run runs/choosing.csv hearts lungs hippocampus
    python -m benchmarks.choosing table runs/choosing.csv
    python -m benchmarks.choosing run runs/pools.csv hearts lungs hippocampus --folds 4
    python -m benchmarks.choosing pools runs/pools.csv

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
from gemini_monai.choosing.describing import description_of, raw_vectors, weighed_alike
from gemini_monai.choosing.distances import FAR, distances, outlyingness
from gemini_monai.choosing.features import pictures_of
from gemini_monai.choosing.registered import registered_distances
from gemini_monai.choosing.strategies import STRATEGIES, Pool, at_random
from gemini_monai.data import Cohort, read_cohort
from gemini_monai.data.folds import fold_of
from gemini_monai.data.streams.stream import stacked
from gemini_monai.engines.schedule import CosineDecay
from gemini_monai.metrics.dice import dice_per_structure
from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner, SegmentationObjective
from gemini_monai.transforms import preprocessing

LABELS = 5
ITERATIONS = 150
IMAGES = {2: 5, 3: 2}
"""Of an iteration, by the number of axes."""
CHANNELS = (8, 16, 32)
RATE, FINAL, AVERAGE = 5e-3, 0.01, 0.97
"""Of Adam, the share of it that is left at the end, and of the average of weights."""
KINDS = ("thumbnail", "histogram", "network")
STRATEGIES_RUN = (
    *("network k_medoids", "network typical", "network k_center"),
    *("combined k_medoids", "combined typical", "thumbnail k_medoids", "thumbnail typical"),
    *("histogram k_medoids", "histogram typical", "pretrained k_medoids", "pretrained typical"),
)
"""Features and rules of the first part."""
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
    """A data set whose images and test are read."""

    name: str
    cohort: Cohort
    kinds: dict[str, np.ndarray]
    """Vectors of the pool by the kind of features, (n, F); of ``registered`` distances, (n, n)."""
    test: list[dict[str, Any]]

    @property
    def pool(self) -> list[dict[str, Any]]:
        """Scans to choose from."""
        return self.cohort.labeled

    @property
    def patients(self) -> np.ndarray:
        """Patient of each scan of the pool."""
        return np.array([entry.get("patient", entry["case"]) for entry in self.pool])


def opened(folder: str, folds: int) -> Iterator[Experiment]:
    """A data set by its own split, or each fold of it; labels of the pool are read when used."""
    name, whole = Path(folder).name, read_cohort(Path(folder) / "dataset.json")
    parts = {name: whole}
    if folds:
        parts = {f"{name} {k}": fold_of(whole, k, folds=folds) for k in range(folds)}
    scans = [*whole.labeled, *whole.test]
    kinds = _images_alone(scans, whole, PRETRAINED.get(name))
    places = {entry["case"]: k for k, entry in enumerate(scans)}
    between = _registered(scans, whole)
    before = preprocessing(whole.input_spec(), fit=True)
    for part, cohort in parts.items():
        cases = [entry["case"] for entry in cohort.labeled]
        own = {kind: np.stack([rows[case] for case in cases]) for kind, rows in kinds.items()}
        inside = [places[case] for case in cases]
        own["registered"] = between[np.ix_(inside, inside)]
        yield Experiment(part, cohort, own, list(map(before, cohort.test)))


def _images_alone(
    entries: Sequence[Mapping[str, Any]], cohort: Cohort, pretrained: str | None
) -> dict[str, dict[str, np.ndarray]]:
    """Vectors of each scan by its case, by the kind of features."""
    images = [{key: own[key] for key in ("case", "image")} for own in entries]
    found = dict(zip(KINDS, raw_vectors(images, description_of(cohort, "combined")), strict=True))
    if pretrained is not None:
        description = description_of(cohort, "network", pretrained=pretrained)
        [found["pretrained"]] = raw_vectors(images, description)
    cases = [own["case"] for own in images]
    return {kind: dict(zip(cases, rows, strict=True)) for kind, rows in found.items()}


def _registered(entries: Sequence[Mapping[str, Any]], cohort: Cohort) -> np.ndarray:
    """Of each scan with those registered onto it, whichever pool they are in, (n, n)."""
    images = [{"image": own["image"]} for own in entries]
    [vectors] = raw_vectors(images, description_of(cohort, "registered"))
    axes, channels = cohort.spatial_dims, cohort.channels
    return registered_distances(pictures_of(vectors, spatial_dims=axes, channels=channels))


def arms(experiment: Experiment, strategies: Sequence[str], draws: int) -> Iterator[Arm]:
    """Every strategy's five, then random fives, one scan of each of five patients."""
    patients = experiment.patients
    for strategy in strategies:
        features, rule = strategy.split()
        if features == "pretrained" and features not in experiment.kinds:
            continue
        between = _between(experiment, features)
        pool = Pool(between, patients, outlyingness(between, patients) < FAR)
        yield Arm(strategy, 0, tuple(STRATEGIES[rule](pool, LABELS)))
    count = len(patients)
    for draw in range(draws):
        everyone = Pool(np.zeros((count, count)), patients, np.ones(count, dtype=bool), seed=draw)
        yield Arm("random", draw, tuple(at_random(everyone, LABELS)))


def _between(experiment: Experiment, features: str) -> np.ndarray:
    """Distances of the pool's scans by some features."""
    if features == "registered":
        return experiment.kinds[features]
    kinds = KINDS if features == "combined" else (features,)
    return distances(weighed_alike([experiment.kinds[kind] for kind in kinds]))


def run(
    output: str,
    *data: str,
    folds: int = 0,
    strategies: Sequence[str] = STRATEGIES_RUN,
    draws: int = 20,
    seeds: int = 2,
) -> None:
    """Train on every arm's five, one seed of all data sets after the other.

    Args:
        output: Table that rows are appended to.
        data: Prepared data sets.
        folds: Into how many each is split anew by patient, every one a pool and test of its own; 0
            for the split of the data set.
        strategies: Features and rules.
        draws: Random fives of each pool.
        seeds: Trainings of each five.
    """
    torch.set_num_threads(1)
    pools = zip(*(opened(folder, folds) for folder in data), strict=True)
    experiments = [experiment for of_all in pools for experiment in of_all]
    plans = [list(arms(experiment, strategies, draws)) for experiment in experiments]
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
    with output.open("a", newline="", encoding="utf-8") as file:
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
    """Print what each strategy's five reach among random fives, as Markdown.

    Args:
        path: Table of a run without folds.
    """
    rows = read_table(path)
    print("| data | strategy | Dice | percentile | minus mean | minus worst tenth |")
    print("|---|---|---|---|---|---|")
    for data in dict.fromkeys(row["data"] for row in rows):
        chosen, random = _means([row for row in rows if row["data"] == data])
        tenth = np.sort(random)[: max(1, len(random) // 10)].mean()
        print(f"| {data} | random | {random.mean():.1f} ± {random.std(ddof=1):.1f} | | | |")
        for name, value in chosen.items():
            cells = [f"{value:.1f}", f"{percentile(value, random):.0f}"]
            cells += [f"{value - random.mean():+.1f}", f"{value - tenth:+.1f}"]
            print(f"| {data} | {name} | {' | '.join(cells)} |")


def percentile(value: float, random: np.ndarray) -> float:
    """Share of random draws below a value, in percent; a tie counts half."""
    return 100 * float((random < value).mean() + (random == value).mean() / 2)


def pools(path: str) -> None:
    """Print what each strategy gains over the random fives of its pool, over all pools of the data.

    Args:
        path: Table of a run with folds.
    """
    rows = read_table(path)
    print("| data | strategy | gain over the mean | above it | mean percentile | in spreads |")
    print("|---|---|---|---|---|---|")
    for data in dict.fromkeys(row["data"].split()[0] for row in rows):
        of_data = [row for row in rows if row["data"].split()[0] == data]
        names = dict.fromkeys(row["data"] for row in of_data)
        found = [_means([row for row in of_data if row["data"] == name]) for name in names]
        spread = float(np.sqrt(np.mean([random.var(ddof=1) for _, random in found])))
        print(f"| {data} | random | spread {spread:.1f} | | | |")
        for strategy in found[0][0]:
            gains = [chosen[strategy] - random.mean() for chosen, random in found]
            shares = [percentile(chosen[strategy], random) for chosen, random in found]
            each = ", ".join(f"{gain:+.1f}" for gain in gains)
            cells = [f"{np.mean(gains):+.1f} ({each})", f"{np.sum(np.array(gains) > 0)}"]
            cells += [f"{np.mean(shares):.0f}", f"{np.mean(gains) / spread:+.2f}"]
            print(f"| {data} | {strategy} | {' | '.join(cells)} |")


def _means(rows: Sequence[Mapping[str, str]]) -> tuple[dict[str, float], np.ndarray]:
    """Dice in percent of each strategy's five and of each random five, mean over the seeds."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        found.setdefault((row["strategy"], row["draw"]), []).append(100 * float(row["dice"]))
    means = {key: float(np.mean(values)) for key, values in found.items()}
    chosen = {name: value for (name, _), value in means.items() if name != "random"}
    return chosen, np.array([value for (name, _), value in means.items() if name == "random"])


if __name__ == "__main__":
    run_command({"run": run, "table": table, "pools": pools})
