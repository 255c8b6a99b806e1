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
from gemini_monai.study.benchmark.grid import Question, data_name
from gemini_monai.study.benchmark.run import NOT_RUN, Run


@dataclass(frozen=True)
class Trial:
    """An arm on a data set with one candidate.

    Attributes:
        run: Its run, on the first seed and the first number of labels.
        candidate: The overrides, as they were given; empty for the defaults.
        dice: Best mean validation Dice over the epochs, 0 to 1; NaN where there is none.
        cpu_minutes: Of the run without what it starts from, which every candidate shares.
        said: Why there is no Dice; empty where there is.
    """

    run: Run
    candidate: str
    dice: float
    cpu_minutes: float
    said: str


def trial_runs(question: Question, candidates: Sequence[str]) -> list[Run]:
    """Runs of the tuning: every arm with each candidate, and the pre-trainings before them.

    Those with the candidate that is chosen are cells of the grid, too, and are not run again.

    Args:
        question: What is to be compared.
        candidates: Overrides to choose from, as on the command line.
    """
    runs = [run for _, run in _with_each(question, candidates)]
    return list(dict.fromkeys(runs))


def read_trials(question: Question, candidates: Sequence[str]) -> list[Trial]:
    """What the tuning came to; of each run its record and its validation are read, no test.

    Args:
        question: What is to be compared.
        candidates: Overrides to choose from, as on the command line.
    """
    own = [_read(run, candidate) for candidate, run in _with_each(question, candidates) if run.data]
    order = [(data_name(data), arm) for data in question.tested for arm in question.arms]
    return sorted(own, key=lambda trial: order.index((trial.run.data, trial.run.method)))


def best_trials(trials: Sequence[Trial]) -> dict[tuple[str, str], Trial]:
    """The trial with the highest validation Dice, by names of data set and arm.

    Of two that are equal it is the first. Nothing is chosen while one has not been run.

    Args:
        trials: Of all arms.
    """
    return {
        key: max(done, key=lambda trial: trial.dice)
        for key, own in _by_arm(trials).items()
        if (done := [trial for trial in own if not trial.said])
        and all(trial.said != NOT_RUN for trial in own)
    }


def tuned(question: Question, trials: Sequence[Trial]) -> Question:
    """The question with what was chosen; an arm without a choice is left out, and why.

    Args:
        question: What is to be compared.
        trials: Of all arms.
    """
    best = best_trials(trials)
    chosen = {key: tuple(shlex.split(trial.candidate)) for key, trial in best.items()}
    left_out = {
        key: f"no choice could be made: {next(trial.said for trial in own if trial.said)}"
        for key, own in _by_arm(trials).items()
        if key not in best
    }
    return replace(question, tuned=chosen, left_out=left_out)


def _with_each(question: Question, candidates: Sequence[str]) -> Iterator[tuple[str, Run]]:
    keys = [
        (data_name(data), arm) for data, arm in itertools.product(question.tested, question.arms)
    ]
    small = replace(question, labels=question.labels[:1], seeds=question.seeds[:1])
    for candidate in dict.fromkeys(candidates):
        words = dict.fromkeys(keys, tuple(shlex.split(candidate)))
        for run in replace(small, tuned=words).runs():
            yield candidate, run


def _read(run: Run, candidate: str) -> Trial:
    dice, minutes, said = math.nan, math.nan, run.last_words
    if run.is_done:
        record = RunFolder(run.folder).record
        minutes = read_json(record, dict).get("cpu_seconds", math.nan) / 60
        series = read_validation(run.folder)
        values = series.columns.get("mean_dice", np.array([])) if series else np.array([])
        known = values[np.isfinite(values)]
        dice = float(known.max()) if known.size else math.nan
        said = "" if known.size else "it has no validation Dice"
    return Trial(run=run, candidate=candidate, dice=dice, cpu_minutes=minutes, said=said)


def _by_arm(trials: Sequence[Trial]) -> dict[tuple[str, str], list[Trial]]:
    arms: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        arms.setdefault((trial.run.data, trial.run.method), []).append(trial)
    return arms
