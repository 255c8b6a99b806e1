"""The command that says which weights to start from, on one's own labels."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gemini_monai.base.limits import whole
from gemini_monai.base.presence import refuse_absent_data
from gemini_monai.commands.benchmark import check_runs, make_grid
from gemini_monai.commands.benchmark_options import add_start_options
from gemini_monai.commands.bundle import OVERRIDES
from gemini_monai.commands.length import TIMING, knob, measured
from gemini_monai.commands.monai_run import BUNDLES, bundle_to_train, finetuning_call
from gemini_monai.commands.start_network import NONE
from gemini_monai.commands.starts import starts_of, with_networks

if TYPE_CHECKING:  # imported when it is called
    from gemini_monai.study.benchmark import Budget, GridSpec

TEXT = "Which weights to start from on your labels: short fine-tunings, a page and a verdict."
NO_MORE_PROBES = ("--probe_interval", "100000")
"""Epochs between two probes: one before the fine-tuning, and one at its end."""


def add_commands(commands: Any) -> None:
    """Add ``compare``."""
    command = commands.add_parser("compare", help=TEXT, description=TEXT, epilog=OVERRIDES)
    add_start_options(command)
    command.set_defaults(function=compare_starts)


def compare_starts(
    data: str,
    starts: list[str],
    output: str,
    labels: Any,
    draws: Any,
    cores: Any,
    budget: str,
    without_images: bool,
    overrides: list[str],
) -> None:
    """``compare DATA START... --output FOLDER``.

    Raises:
        InputError: If the data set or a start is not there, there are fewer labels, weights do not
            fit their network, an override is none of the configuration, or runs failed; all but
            the last before the first run.
    """
    for value, name in ((labels, "--labels"), (draws, "--draws"), (cores, "--cores")):
        whole(1)(value, name)
    refuse_absent_data(Path(data) / "dataset.json")
    sources = starts_of(starts)
    bundle_to_train(BUNDLES["mip"], "finetune")
    from gemini_monai.study.benchmark import (
        GridSpec,
        budget_of,
        refuse_foreign,
        refuse_without_engine,
        verdict,
    )

    each = budget_of(budget)
    refuse_without_engine()
    refuse_foreign(Path(output))
    spec = GridSpec(
        suite="starts",
        data=(Path(data),),
        methods=(),
        labels=(labels,),
        draws=tuple(range(draws)),
        output=Path(output),
        overrides=(*overrides, *NO_MORE_PROBES),
        given=with_networks(sources, data=data, overrides=overrides),
    )
    check_runs(spec)
    _tell_draws(spec)
    _tell_plan(spec, each, cores=cores)
    results = make_grid(spec, budget=each, cores=cores, images=not without_images)
    if results is not None:
        print(verdict(results))


def _tell_draws(spec: GridSpec) -> None:
    """Refuse more labels than there are, and say where every draw would have the same ones."""
    cohort, labels = spec.cohort(spec.data[0]), spec.labels[0]
    cohort.few(labels)
    if labels == len(cohort.labeled) and len(spec.draws) > 1:
        print(
            f"{cohort.path} has {labels} labeled images, so every draw has the same, and draws "
            "differ by their seed alone; give fewer --labels, or prepare with more"
        )


def _tell_plan(spec: GridSpec, budget: Budget | None, *, cores: int) -> None:
    """Start each network as its runs will, which refuses what does not fit, and tell the minutes.

    Args:
        spec: What is to be compared.
        budget: What each start may spend.
        cores: Runs at a time.
    """
    from gemini_monai.commands.parser import read
    from gemini_monai.study.benchmark import grid_runs

    minutes: dict[str, float] = {}
    by_network: dict[tuple[str, ...], float] = {}
    for run in sorted(grid_runs(spec), key=lambda run: run.method == spec.baseline):
        source, *words = spec.given.get(run.method, (NONE,))
        if run.method in minutes:
            continue
        if source != NONE or tuple(words) not in by_network:
            values = read(shlex.split(run.command)[1:])[1]
            del values["minutes"]
            print(f"{run.method}: ", end="", flush=True)
            by_network[tuple(words)] = _minutes(finetuning_call(**values, name=TIMING), budget)
        minutes[run.method] = by_network[tuple(words)]
    draws = len(spec.repetitions)
    told = ", ".join(f"{name} {draws} x {own:.1f}" for name, own in minutes.items())
    total = draws * sum(minutes.values()) / cores
    print(
        f"{draws * len(minutes)} runs, in minutes of training here: {told}; {total:.0f} in all "
        f"with --cores {cores}, and reading, tests and the page on top",
        flush=True,
    )


def _minutes(call: Any, budget: Budget | None) -> float:
    """Of one fine-tuning; those of a budget of time are what it says."""
    seconds = measured(call)
    if budget is not None and budget.kind == "time":
        return budget.amount
    length, interval = int(knob(call, "epoch_length")), int(knob(call, "val_interval"))
    epochs = int(knob(call, "epochs"))
    if budget is not None and budget.kind == "steps":
        epochs = max(1, round(budget.amount / length))
    each = seconds["iteration"] * length
    return (epochs * each + math.ceil(epochs / interval) * seconds["validation"]) / 60
