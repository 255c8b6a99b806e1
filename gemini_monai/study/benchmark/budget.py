"""What every arm may spend: as many optimizer steps, as much time, or until it gains no more."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.base.limits import real
from gemini_monai.runs import RunFolder
from gemini_monai.study.benchmark.grid import GridSpec
from gemini_monai.study.benchmark.grid_cells import NNUNET, grid_runs
from gemini_monai.study.benchmark.grid_data import data_name
from gemini_monai.study.benchmark.grid_run import GridRun

AMOUNTS = {"steps": 1200.0, "time": 5.0, "converged": 0.3}
"""By kind of budget: optimizer steps, minutes, share of the training without a gain."""
WAITED = 1.25
"""Seconds of the clock for one of the processor from which a probe waited for others' work."""
PROBED = 4
"""Epochs of a run that measures what one costs. The first fills a cache, and is a first stage of
some methods. Of the last three the cheapest counts: others' work makes an epoch dearer only."""


@dataclass(frozen=True)
class Budget:
    """What an arm may spend on its training, or, of pre-trained ones, on its pre-training.

    Attributes:
        kind: A key of ``AMOUNTS``.
        amount: Optimizer steps; minutes, of the processor or where one trains on a GPU of the
            clock; or the share of the training after which one that has not gained is ended.
    """

    kind: str
    amount: float

    def __str__(self) -> str:
        """For a table's caption."""
        if self.kind == "steps":
            return f"{self.amount:g} optimizer steps"
        if self.kind == "time":
            return f"{self.amount:g} minutes, in epochs of its own measured cost"
        return f"until validation has not gained for {100 * self.amount:g} % of its training"


def budget_of(text: str) -> Budget | None:
    """The budget that ``KIND [AMOUNT]`` names; ``None`` for none.

    Args:
        text: Such as ``time 5``.

    Raises:
        InputError: If it names none.
    """
    kind, *amount = text.split() or [""]
    if not kind:
        return None
    if kind not in AMOUNTS or len(amount) > 1:
        raise InputError(f"--budget: expected {', '.join(AMOUNTS)} and an amount, got '{text}'")
    try:
        value = float(amount[0]) if amount else AMOUNTS[kind]
    except ValueError as error:
        raise InputError(f"--budget: expected a number after {kind}, got '{amount[0]}'") from error
    real(above=0, greatest=1 if kind == "converged" else math.inf)(value, f"--budget {kind}")
    return Budget(kind, value)


def probing_runs(spec: GridSpec, budget: Budget | None) -> list[GridRun]:
    """Short runs that measure what an epoch of each arm costs; none where that does not matter.

    Args:
        spec: What is to be compared.
        budget: What each arm may spend.
    """
    if budget is None or budget.kind == "converged":
        return []
    return [run for _, run in _probes(spec)]


def with_budget(spec: GridSpec, budget: Budget | None) -> GridSpec:
    """The comparison with as many epochs for each arm as it may spend; where a probe failed, one.

    Args:
        spec: What is to be compared.
        budget: What each arm may spend; ``None`` for what its overrides say.
    """
    if budget is None:
        return spec
    if budget.kind == "converged":
        words: tuple[str, ...] = ("--stop_after", f"{budget.amount:g}")
        return replace(spec, overrides=(*spec.overrides, *words), budget=str(budget))
    waited = waiting_arms(spec, budget)
    said = f"{budget}, measured beside other work ({', '.join(waited)})" if waited else str(budget)
    lengths = {key: ("--epochs", str(_epochs(run, budget))) for key, run in _probes(spec)}
    lengths |= {(data_name(data), NNUNET): _of_nnunet(budget) for data in spec.data}
    plain, before = _without_epochs(spec.overrides), _without_epochs(spec.pretraining)
    if spec.suite == "pretraining":
        return replace(spec, pretraining=before, lengths=lengths, budget=said)
    return replace(spec, overrides=plain, lengths=lengths, budget=said)


def waiting_arms(spec: GridSpec, budget: Budget | None) -> list[str]:
    """Arms whose epochs were dearer than they need be, as other work ran beside their probes.

    A processor that is shared makes its own seconds longer, too, so such arms get fewer epochs.

    Args:
        spec: What is to be compared.
        budget: What each arm may spend.
    """
    if budget is None or budget.kind != "time":
        return []
    return [name for (_, name), run in _probes(spec) if run.is_done and _waited(run)]


def _waited(run: GridRun) -> bool:
    record, epoch = _cheapest(run)
    clock, processor = (float(epoch.get(key) or 0) for key in ("seconds", "cpu_seconds"))
    return str(record.get("device")) == "cpu" and clock > WAITED * processor > 0


def _probes(spec: GridSpec) -> Iterator[tuple[tuple[str, str], GridRun]]:
    """By names of data set and arm."""
    small = replace(
        spec,
        labels=spec.labels[:1],
        draws=spec.draws[:1],
        seeds=spec.seeds[:1],
        overrides=(*_without_epochs(spec.overrides), "--epochs", str(PROBED)),
        pretraining=(*_without_epochs(spec.pretraining), "--epochs", str(PROBED)),
    )
    for run in grid_runs(small):
        if (spec.suite != "pretraining" or not run.data) and run.method != NNUNET:
            yield (run.data or small.pretrained_on, run.method), replace(run, data="", also="")


def _epochs(run: GridRun, budget: Budget) -> int:
    if not run.is_done:
        return 1
    record, epoch = _cheapest(run)
    cost = _seconds(record, epoch) / 60 if budget.kind == "time" else epoch.get("optimizer_steps")
    return max(1, round(budget.amount / cost)) if cost else 1


def _cheapest(run: GridRun) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Record of a probe, and what the cheapest of its last epochs took."""
    record = read_json(RunFolder(run.folder).record, dict)
    epochs = record.get("last_epochs") or [{}]
    return record, min(epochs, key=lambda epoch: _seconds(record, epoch))


def _of_nnunet(budget: Budget) -> tuple[str, str]:
    """One step an iteration; it measures by itself how many a time holds."""
    if budget.kind == "steps":
        return "--iterations", str(round(budget.amount))
    return "--minutes", f"{budget.amount:g}"


def _seconds(record: Mapping[str, Any], epoch: Mapping[str, Any]) -> float:
    """Of the processor, which waits while a GPU computes; there, of the clock."""
    clock = "cpu_seconds" if str(record.get("device")) == "cpu" else "seconds"
    return float(epoch.get(clock) or 0)


def _without_epochs(words: Sequence[str]) -> tuple[str, ...]:
    kept = list(words)
    while "--epochs" in kept:
        place = kept.index("--epochs")
        del kept[place : place + 2]
    return tuple(kept)
