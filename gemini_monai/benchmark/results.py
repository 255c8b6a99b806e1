"""What the finished runs of a grid come to: one row per system, data set and number of labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gemini_monai.benchmark.grid import Question, Run
from gemini_monai.benchmark.statistics import bootstrap_ranks, holm
from gemini_monai.data import read_cohort
from gemini_monai.files import read_json
from gemini_monai.report.read import PairedDifference, paired_difference, per_case, read_run

Scores = Mapping[str, float]


@dataclass(frozen=True)
class Row:
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


def rows(question: Question) -> list[Row]:
    """All rows, a table per data set and number of labels, the baseline first."""
    runs = [run for run in question.runs() if run.data]
    tables = dict.fromkeys((run.data, run.labels) for run in runs)
    found: list[Row] = []
    for data, labels in tables:
        own = [run for run in runs if (run.data, run.labels) == (data, labels)]
        found += _table(question, own, data=data, labels=labels)
    return found


def _table(question: Question, runs: Sequence[Run], *, data: str, labels: int) -> Iterator[Row]:
    arms = {arm: [run for run in runs if run.method == arm] for arm in question.arms}
    done = {arm: [run for run in own if Path(run.done).is_file()] for arm, own in arms.items()}
    scores = {arm: [per_case(read_run(r.folder)) for r in own] for arm, own in done.items()}
    means = {arm: _mean_scores(own) for arm, own in scores.items() if own}
    patients = _patients(question, data)
    ranks = bootstrap_ranks(_shared(means), patients=patients) if means else {}
    to_baseline = {
        arm: _difference(means, arm, question.baseline, patients=patients) for arm in arms
    }
    tests = [own.p_value if own else float("nan") for own in to_baseline.values()]
    for arm, p in zip(arms, holm(tests), strict=True):
        others = [other for other in means if other != arm]
        best = max(others, key=lambda name: np.mean(list(means[name].values())), default=None)
        yield Row(
            data=data,
            labels=labels,
            method=arm,
            dice=tuple(float(np.mean(list(own.values()))) for own in scores[arm]),
            to_baseline=to_baseline[arm],
            to_best=_difference(means, arm, best, patients=patients),
            p=p,
            rank=ranks.get(arm, (float("nan"), float("nan"))),
            cpu_minutes=_minutes(done[arm]),
            missing={
                run.seed: last_words(question.output, run)
                for run in arms[arm]
                if run not in done[arm]
            },
        )


def last_words(output: Path, run: Run) -> str:
    """Why a run is not there: the last line of its log."""
    log = output / "logs" / f"{run.name}.txt"
    lines = log.read_text(errors="replace").split("\n") if log.is_file() else []
    said = [line.strip() for text in lines for line in text.split("\r") if line.strip()]
    return said[-1] if said else "not run"


def _mean_scores(draws: Sequence[Scores]) -> dict[str, float]:
    """Of each case over the seeds that tested it."""
    cases = [case for case in draws[0] if all(case in draw for draw in draws)]
    return {case: float(np.mean([draw[case] for draw in draws])) for case in cases}


def _shared(means: Mapping[str, Scores]) -> dict[str, dict[str, float]]:
    """The same, of cases that every system was tested on and is defined for."""
    first = next(iter(means.values()))
    cases = [c for c in first if all(np.isfinite(own.get(c, np.nan)) for own in means.values())]
    return {name: {case: own[case] for case in cases} for name, own in means.items()}


def _difference(
    means: Mapping[str, Scores], arm: str, other: str | None, *, patients: Mapping[str, str]
) -> PairedDifference | None:
    if other is None or arm == other or not {arm, other} <= means.keys():
        return None
    return paired_difference(means[arm], means[other], patients=patients)


def _patients(question: Question, data: str) -> dict[str, str]:
    for folder in question.tested:
        cohort = read_cohort(folder / "dataset.json")
        if f"{cohort.name}_{folder.absolute().name}" == data:
            return {str(e["case"]): str(e["patient"]) for e in cohort.test if "patient" in e}
    return {}


def _minutes(runs: Sequence[Run]) -> float:
    """CPU minutes of a run and of those that it started from, mean over runs."""
    totals = []
    for run in runs:
        before = [run.folder.parent / name for name in run.after]
        records = [read_json(folder / "run.json", dict) for folder in (run.folder, *before)]
        totals.append(sum(record.get("cpu_seconds", float("nan")) for record in records) / 60)
    return float(np.mean(totals)) if totals else float("nan")
