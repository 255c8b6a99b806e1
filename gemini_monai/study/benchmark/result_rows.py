"""What the finished runs of a grid come to: one row per system, data set and number of labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gemini_monai.base.files import read_json
from gemini_monai.data import Cohort
from gemini_monai.report.read import (
    PairedDifference,
    RunContents,
    paired_difference,
    per_case,
    read_run,
    summarize,
)
from gemini_monai.runs import RunFolder
from gemini_monai.study.benchmark.grid import GridSpec, data_name
from gemini_monai.study.benchmark.grid_run import GridRun
from gemini_monai.study.benchmark.ranking import bootstrap_ranks, holm

Scores = Mapping[str, float]


@dataclass(frozen=True)
class ResultRow:
    """A system on a data set with a number of labels.

    Attributes:
        data: Name of the data set.
        labels: Labeled images.
        method: The system.
        dice: Mean test Dice of each seed, 0 to 1.
        to_baseline: Paired difference to the baseline; ``None`` for itself.
        to_best: The same to the best of the others.
        p: Wilcoxon's to the baseline, adjusted by Holm over the systems of the table.
        rank: Mean rank over resampled patients, and share of them in which it is first.
        cpu_minutes: Of training, pre-training included, mean over seeds.
        missing: Why runs are not there, by seed.
    """

    data: str
    labels: int
    method: str
    dice: tuple[float, ...]
    to_baseline: PairedDifference | None
    to_best: PairedDifference | None
    p: float
    rank: tuple[float, float]
    cpu_minutes: float
    missing: Mapping[int, str]


def read_finished(spec: GridSpec) -> dict[GridRun, RunContents]:
    """Every run of the grid that was tested, in the grid's order.

    Args:
        spec: What was compared.

    Raises:
        InputError: If a file that a finished run left cannot be understood.
    """
    runs = [run for run in spec.runs() if run.data and run.is_done]
    return {run: read_run(run.folder) for run in runs}


def result_rows(spec: GridSpec, finished: Mapping[GridRun, RunContents]) -> list[ResultRow]:
    """All rows, a table per data set and number of labels, the baseline first.

    Args:
        spec: What was compared.
        finished: What came out of the runs that are done.
    """
    runs = [run for run in spec.runs() if run.data]
    rows: list[ResultRow] = []
    for folder in spec.tested:
        patients = _patients(spec.cohort(folder))
        for labels in spec.labels:
            cell = (data_name(folder), labels)
            of_cell = [run for run in runs if (run.data, run.labels) == cell]
            arms = {arm: [run for run in of_cell if run.method == arm] for arm in spec.arms}
            rows += _table(spec, arms, finished, cell=cell, patients=patients)
    return rows


def _table(
    spec: GridSpec,
    arms: Mapping[str, Sequence[GridRun]],
    finished: Mapping[GridRun, RunContents],
    *,
    cell: tuple[str, int],
    patients: Mapping[str, str],
) -> Iterator[ResultRow]:
    done = {arm: [run for run in runs if run in finished] for arm, runs in arms.items()}
    scores = {
        arm: {run.seed: per_case(finished[run]) for run in runs} for arm, runs in done.items()
    }
    means = {
        arm: _mean_scores(list(by_seed.values())) for arm, by_seed in scores.items() if by_seed
    }
    shared = _shared(means)
    ranks = bootstrap_ranks(shared, patients=patients) if any(shared.values()) else {}
    to_baseline = {arm: _difference(scores, arm, spec.baseline, patients=patients) for arm in arms}
    tests = [paired.p_value if paired else float("nan") for paired in to_baseline.values()]
    for arm, p in zip(arms, holm(tests), strict=True):
        others = [other for other in means if other != arm]
        best = max(others, key=lambda other: _mean(shared[other]), default=None)
        yield ResultRow(
            data=cell[0],
            labels=cell[1],
            method=arm,
            dice=tuple(map(_mean, scores[arm].values())),
            to_baseline=to_baseline[arm],
            to_best=_difference(scores, arm, best, patients=patients),
            p=p,
            rank=ranks.get(arm, (float("nan"), float("nan"))),
            cpu_minutes=_minutes(done[arm]),
            missing=_missing(spec, arms[arm], data=cell[0], arm=arm),
        )


def _missing(spec: GridSpec, runs: Sequence[GridRun], *, data: str, arm: str) -> dict[int, str]:
    if (data, arm) in spec.left_out:
        return dict.fromkeys(spec.seeds, spec.left_out[data, arm])
    return {run.seed: run.last_words for run in runs if not run.is_done}


def _mean(scores: Scores) -> float:
    """Over the cases that are defined; NaN without one."""
    return summarize(list(scores.values())).mean


def _mean_scores(draws: Sequence[Scores]) -> dict[str, float]:
    """Of each case over the seeds that tested it."""
    cases = [case for case in draws[0] if all(case in draw for draw in draws)]
    return {case: float(np.mean([draw[case] for draw in draws])) for case in cases}


def _shared(means: Mapping[str, Scores]) -> dict[str, dict[str, float]]:
    """The same, of cases that every system was tested on and is defined for."""
    first = next(iter(means.values()), {})
    cases = [
        c for c in first if all(np.isfinite(of_arm.get(c, np.nan)) for of_arm in means.values())
    ]
    return {name: {case: of_arm[case] for case in cases} for name, of_arm in means.items()}


def _difference(
    scores: Mapping[str, Mapping[int, Scores]],
    arm: str,
    other: str | None,
    *,
    patients: Mapping[str, str],
) -> PairedDifference | None:
    """Over the seeds that both have, as each seed draws labeled images of its own."""
    if other is None or arm == other:
        return None
    seeds = sorted(scores[arm].keys() & scores[other].keys())
    if not seeds:
        return None
    first, second = (_mean_scores([scores[name][k] for k in seeds]) for name in (arm, other))
    return paired_difference(first, second, patients=patients)


def _patients(cohort: Cohort) -> dict[str, str]:
    return {str(e["case"]): str(e["patient"]) for e in cohort.test if "patient" in e}


def _minutes(runs: Sequence[GridRun]) -> float:
    """CPU minutes of a run and of those that it started from, mean over runs."""
    totals = []
    for run in runs:
        records = [read_json(RunFolder(folder).record, dict) for folder in run.folders]
        totals.append(sum(record.get("cpu_seconds", float("nan")) for record in records) / 60)
    return float(np.mean(totals)) if totals else float("nan")
