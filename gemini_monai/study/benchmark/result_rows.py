"""What the finished runs of a grid come to: one row per system, data set and number of labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gemini_monai.base.files import read_json
from gemini_monai.report.read import RunContents, per_case, summarize
from gemini_monai.runs import RunFolder
from gemini_monai.study.benchmark.draws import DrawDifference, DrawScores, Resampled
from gemini_monai.study.benchmark.finished import Tests, declared
from gemini_monai.study.benchmark.grid import GridSpec
from gemini_monai.study.benchmark.grid_cells import grid_runs
from gemini_monai.study.benchmark.grid_data import data_name
from gemini_monai.study.benchmark.grid_run import GridRun
from gemini_monai.study.benchmark.multiple_tests import holm

Scores = Mapping[str, float]


@dataclass(frozen=True)
class ResultRow:
    """A system on a data set with a number of labels.

    Attributes:
        data: Name of the data set.
        labels: Labeled images.
        method: The system.
        dice: Mean test Dice by draw of the labeled images, 0 to 1, mean over its seeds.
        to_baseline: Paired difference to the baseline; ``None`` for itself.
        to_best: The same to the best of the others that have every draw.
        p: Student's over draws to the baseline, adjusted by Holm over the systems of the table.
        rank: Mean rank over resampled draws and patients, and share of them in which it is first;
            NaN where a draw is missing.
        optimizer_steps: Of a training, without its pre-training, mean over runs; NaN if not known.
        cpu_minutes: Of training, pre-training included, mean over runs.
        by_checkpoint: Mean test Dice of the runs' best checkpoint and of their last.
        missing: Why runs are not there, by draw.
    """

    data: str
    labels: int
    method: str
    dice: Mapping[int, float]
    to_baseline: DrawDifference | None
    to_best: DrawDifference | None
    p: float
    rank: tuple[float, float]
    optimizer_steps: float
    cpu_minutes: float
    by_checkpoint: Mapping[str, float]
    missing: Mapping[int, str]

    @property
    def mean(self) -> float:
        """Test Dice, mean over the draws; NaN without one."""
        return summarize(list(self.dice.values())).mean


def result_rows(spec: GridSpec, tests: Mapping[GridRun, Tests]) -> list[ResultRow]:
    """All rows, a table per data set and number of labels, the baseline first.

    Args:
        spec: What was compared.
        tests: What came out of the runs that are done.
    """
    runs = [run for run in grid_runs(spec) if run.data]
    rows: list[ResultRow] = []
    for folder in spec.tested:
        patients = patients_of(spec, folder)
        for labels in spec.labels:
            cell = (data_name(folder), labels)
            of_cell = [run for run in runs if (run.data, run.labels) == cell]
            arms = {arm: [run for run in of_cell if run.method == arm] for arm in spec.arms}
            rows += _table(spec, arms, tests, cell=cell, patients=patients)
    return rows


def _table(
    spec: GridSpec,
    arms: Mapping[str, Sequence[GridRun]],
    tests: Mapping[GridRun, Tests],
    *,
    cell: tuple[str, int],
    patients: Mapping[str, str],
) -> Iterator[ResultRow]:
    finished = declared(spec, tests)
    done = {arm: [run for run in runs if run in finished] for arm, runs in arms.items()}
    scores = {arm: scores_by_draw(runs, finished) for arm, runs in done.items()}
    whole = {
        arm: of_arm
        for arm, of_arm in scores.items()
        if of_arm and len(done[arm]) == len(spec.repetitions)
    }
    resampled = Resampled(whole, patients=patients) if whole else None
    ranks = resampled.ranks() if resampled else {}
    to_baseline = {
        arm: draw_difference(scores, arm, spec.baseline, patients=patients) for arm in arms
    }
    p_values = [paired.p_value if paired else float("nan") for paired in to_baseline.values()]
    for arm, p in zip(arms, holm(p_values), strict=True):
        compared = resampled is not None and arm in whole and len(whole) > 1
        yield ResultRow(
            data=cell[0],
            labels=cell[1],
            method=arm,
            dice={draw: _mean(of_draw) for draw, of_draw in scores[arm].items()},
            to_baseline=to_baseline[arm],
            to_best=resampled.to_best_other(arm) if resampled and compared else None,
            p=p,
            rank=ranks.get(arm, (float("nan"), float("nan"))),
            optimizer_steps=_steps(done[arm]),
            cpu_minutes=_minutes(done[arm]),
            by_checkpoint=_by_checkpoint([tests[run] for run in done[arm]]),
            missing=_missing(spec, arms[arm], data=cell[0], arm=arm),
        )


def scores_by_draw(
    runs: Sequence[GridRun], finished: Mapping[GridRun, RunContents]
) -> dict[int, dict[str, float]]:
    """Score of each case, mean over the seeds of a draw.

    Args:
        runs: Of one system, all of them finished.
        finished: What came out of them.
    """
    draws: dict[int, list[Scores]] = {}
    for run in runs:
        draws.setdefault(run.draw, []).append(per_case(finished[run]))
    return {draw: _mean_scores(seeds) for draw, seeds in draws.items()}


def _by_checkpoint(tests: Sequence[Tests]) -> dict[str, float]:
    names = dict.fromkeys(name for of_run in tests for name in of_run)
    return {
        name: summarize([_mean(per_case(t[name])) for t in tests if name in t]).mean
        for name in names
    }


def _missing(spec: GridSpec, runs: Sequence[GridRun], *, data: str, arm: str) -> dict[int, str]:
    if (data, arm) in spec.left_out:
        return dict.fromkeys(spec.draws, spec.left_out[data, arm])
    return {run.draw: run.last_words for run in runs if not run.is_done}


def _mean(scores: Scores) -> float:
    """Over the cases that are defined; NaN without one."""
    return summarize(list(scores.values())).mean


def _mean_scores(seeds: Sequence[Scores]) -> dict[str, float]:
    """Of each case over the seeds that tested it."""
    cases = [case for case in seeds[0] if all(case in seed for seed in seeds)]
    return {case: float(np.mean([seed[case] for seed in seeds])) for case in cases}


def draw_difference(
    scores: Mapping[str, DrawScores], arm: str, other: str, *, patients: Mapping[str, str]
) -> DrawDifference | None:
    """Of two systems, over the draws that both have; ``None`` without one, or of one system.

    Args:
        scores: Of every system, by draw and case.
        arm: The system.
        other: What it is compared with.
        patients: Patient per case.
    """
    if arm == other or not scores[arm].keys() & scores[other].keys():
        return None
    pair = {name: scores[name] for name in (arm, other)}
    return Resampled(pair, patients=patients).difference(arm, other)


def patients_of(spec: GridSpec, folder: Path) -> dict[str, str]:
    """Patient per test case, of all splits of a data set.

    Args:
        spec: What was compared.
        folder: Of the data set.
    """
    cohorts = [spec.cohort(place) for place in spec.splits(folder)]
    entries = [entry for cohort in cohorts for entry in cohort.test]
    return {str(e["case"]): str(e["patient"]) for e in entries if "patient" in e}


def _minutes(runs: Sequence[GridRun]) -> float:
    """CPU minutes of a run and of those that it started from, mean over runs."""
    totals = [
        sum(_recorded(RunFolder(folder), "cpu_seconds") for folder in run.folders) / 60
        for run in runs
    ]
    return float(np.mean(totals)) if totals else float("nan")


def _steps(runs: Sequence[GridRun]) -> float:
    steps = [_recorded(RunFolder(run.folder), "optimizer_steps") for run in runs]
    return float(np.mean(steps)) if steps else float("nan")


def _recorded(run: RunFolder, name: str) -> float:
    value = read_json(run.record, dict).get(name)
    return float("nan") if value is None else float(value)
