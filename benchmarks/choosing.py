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

from benchmarks.choosing_recipe import dice_of, trained
from benchmarks.choosing_tables import pools, table
from benchmarks.command import run_command
from gemini_monai.base.tables import read_table
from gemini_monai.choosing.describing import description_of, raw_vectors, weighed_alike
from gemini_monai.choosing.distances import FAR, distances, outlyingness
from gemini_monai.choosing.features import pictures_of
from gemini_monai.choosing.registered import registered_distances
from gemini_monai.choosing.strategies import STRATEGIES, Pool, at_random
from gemini_monai.data import Cohort, read_cohort
from gemini_monai.data.folds import fold_of
from gemini_monai.transforms import preprocessing

LABELS = 5
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
    parts = zip(*(opened(folder, folds) for folder in data), strict=True)
    experiments = [experiment for of_all in parts for experiment in of_all]
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
    cohort, chosen = experiment.cohort, [experiment.pool[k] for k in arm.chosen]
    network = trained(cohort, chosen, seed=seed)
    scores = np.array(dice_of(network, experiment.test, cohort=cohort))
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


if __name__ == "__main__":
    run_command({"run": run, "table": table, "pools": pools})
