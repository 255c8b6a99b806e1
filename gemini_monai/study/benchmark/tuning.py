"""The choice of each arm's overrides, on validation images alone and with the same budget."""

from __future__ import annotations

import itertools
import math
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gemini_monai.base.files import read_json
from gemini_monai.report.read import read_validation
from gemini_monai.runs import RunFolder
from gemini_monai.study.benchmark.grid import GridSpec
from gemini_monai.study.benchmark.grid_cells import NNUNET, grid_runs
from gemini_monai.study.benchmark.grid_data import data_name
from gemini_monai.study.benchmark.grid_run import NOT_RUN, GridRun


@dataclass(frozen=True)
class Trial:
    """An arm on a data set with one candidate.

    Attributes:
        run: Its run, on the first draw and the first number of labels.
        candidate: The overrides, as they were given; empty for the defaults.
        dice: Best mean validation Dice over the epochs, 0 to 1; NaN where there is none.
        cpu_minutes: Of the run without what it starts from, which every candidate shares.
        said: Why there is no Dice; empty where there is.
    """

    run: GridRun
    candidate: str
    dice: float
    cpu_minutes: float
    said: str


def trial_runs(spec: GridSpec, candidates: Sequence[str]) -> list[GridRun]:
    """Runs of the tuning: every arm with each candidate, and the pre-trainings before them.

    Those with the candidate that is chosen are cells of the grid, too, and are not run again.

    Args:
        spec: What is to be compared.
        candidates: Overrides to choose from, as on the command line.
    """
    runs = [run for _, run in _with_each(spec, candidates)]
    return list(dict.fromkeys(runs))


def read_trials(spec: GridSpec, candidates: Sequence[str]) -> list[Trial]:
    """What the tuning came to; of each run its record and its validation are read, no test.

    Args:
        spec: What is to be compared.
        candidates: Overrides to choose from, as on the command line.
    """
    trials = [_read(run, candidate) for candidate, run in _with_each(spec, candidates) if run.data]
    order = [(data_name(data), arm) for data in spec.tested for arm in spec.arms]
    return sorted(trials, key=lambda trial: order.index((trial.run.data, trial.run.method)))


def best_trials(trials: Sequence[Trial]) -> dict[tuple[str, str], Trial]:
    """The trial with the highest validation Dice, by names of data set and arm.

    Of two that are equal it is the first. Nothing is chosen while one has not been run.

    Args:
        trials: Of all arms.
    """
    return {
        key: max(done, key=lambda trial: trial.dice)
        for key, of_arm in _by_arm(trials).items()
        if (done := [trial for trial in of_arm if not trial.said])
        and all(trial.said != NOT_RUN for trial in of_arm)
    }


def tuned(spec: GridSpec, trials: Sequence[Trial]) -> GridSpec:
    """The comparison with what was chosen; an arm without a choice is left out, and why.

    Args:
        spec: What is to be compared.
        trials: Of all arms.
    """
    best = best_trials(trials)
    chosen = {key: tuple(shlex.split(trial.candidate)) for key, trial in best.items()}
    left_out = {
        key: f"no choice could be made: {next(trial.said for trial in of_arm if trial.said)}"
        for key, of_arm in _by_arm(trials).items()
        if key not in best
    }
    return replace(spec, tuned=chosen, left_out=left_out)


def _with_each(spec: GridSpec, candidates: Sequence[str]) -> Iterator[tuple[str, GridRun]]:
    keys = [(data_name(data), arm) for data, arm in itertools.product(spec.tested, spec.arms)]
    small = replace(spec, labels=spec.labels[:1], draws=spec.draws[:1], seeds=spec.seeds[:1])
    for candidate in dict.fromkeys(candidates):
        words = dict.fromkeys(keys, tuple(shlex.split(candidate)))
        for run in grid_runs(replace(small, tuned=words)):
            if run.method != NNUNET:
                yield candidate, run


def _read(run: GridRun, candidate: str) -> Trial:
    dice, minutes, said = math.nan, math.nan, run.last_words
    if run.is_done:
        record = RunFolder(run.folder).record
        minutes = read_json(record, dict).get("cpu_seconds", math.nan) / 60
        series = read_validation(run.folder)
        values = series.columns.get("mean_dice", np.array([])) if series else np.array([])
        finite = values[np.isfinite(values)]
        dice = float(finite.max()) if finite.size else math.nan
        said = "" if finite.size else "it has no validation Dice"
    return Trial(run=run, candidate=candidate, dice=dice, cpu_minutes=minutes, said=said)


def _by_arm(trials: Sequence[Trial]) -> dict[tuple[str, str], list[Trial]]:
    arms: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        arms.setdefault((trial.run.data, trial.run.method), []).append(trial)
    return arms
