"""The command that compares systems under one protocol."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.limits import one_of, several, text, whole
from gemini_monai.base.presence import refuse_absent_data, refuse_absent_weights
from gemini_monai.commands.benchmark_options import add_options
from gemini_monai.commands.bundle import OVERRIDES
from gemini_monai.commands.monai_run import (
    BUNDLES,
    bundle_to_train,
    finetune,
    finetuning_call,
    method_overlay,
    training_call,
)
from gemini_monai.study.nnunet.wanted import refuse_missing

if TYPE_CHECKING:  # imported when it is called
    from gemini_monai.study.benchmark import Budget, GridResults, GridSpec, Trial

SUITES = {"few_labels": ("semi", "supervised"), "pretraining": ("mip", "scratch")}
"""Whose methods are compared, and the baseline that is always among them."""
NNUNET = "nnunet"
"""The arm that is nnU-Net itself."""
WITHOUT_VALIDATION = ("--use_validation", "False")
TEXT = "Compare systems: every run of a grid, then one table with intervals, ranks and costs."


def add_commands(commands: Any) -> None:
    """Add ``benchmark``."""
    command = commands.add_parser("benchmark", help=TEXT, description=TEXT, epilog=OVERRIDES)
    add_options(command, suites=SUITES)
    command.set_defaults(function=benchmark)


def benchmark(
    suite: str,
    data: list[str],
    output: str,
    methods: Any,
    labels: Any,
    draws: Any,
    seeds: Any,
    folds: Any,
    cores: Any,
    labels_in_all: bool,
    budget: str,
    checkpoint: str,
    nnunet: str,
    pretraining: str,
    tune: Any,
    variants: Any,
    given: Any,
    snakemake: str,
    without_images: bool,
    overrides: list[str],
) -> None:
    """``benchmark SUITE DST... --output FOLDER``.

    Raises:
        InputError: If nothing is to be compared, the bundle is not here or does not have a method,
            or an overlay or override is none of a configuration; or runs failed: then the table is
            written all the same.
    """
    one_of(*SUITES)(suite, "suite")
    if isinstance(methods, str):
        example = f"\"['{methods}','{SUITES[suite][1]}']\""
        raise InputError(f"--methods: expected a list such as {example}, got {methods!r}")
    several(text, least=1)(methods, "--methods")
    several(whole(1), least=1)(labels, "--labels")
    whole(1)(draws, "--draws")
    several(whole(0))(seeds, "--seeds")
    whole(0)(folds, "--folds")
    several(_overrides)(tune, "--tune")
    whole(1)(cores, "--cores")
    one_of("best", "last")(checkpoint, "--checkpoint")
    for folder in data:
        refuse_absent_data(Path(folder) / "dataset.json")
    _refuse_unknown(suite, methods, budget=budget)
    from gemini_monai.study.benchmark import GridSpec, budget_of, variants_of, with_folds

    spec = GridSpec(
        suite=suite,
        data=tuple(map(Path, data)),
        methods=tuple(methods),
        labels=tuple(labels),
        draws=tuple(range(draws)),
        seeds=tuple(seeds),
        output=Path(output),
        overrides=(*overrides, *(WITHOUT_VALIDATION if labels_in_all else ())),
        pretraining=tuple(shlex.split(pretraining)),
        variants=variants_of(variants),
        given=_given(given, suite=suite),
        nnunet=tuple(shlex.split(nnunet)),
        checkpoint=checkpoint,
    )
    each = budget_of(budget)
    spec = with_folds(spec, folds)
    check_runs(spec, tune)
    more = shlex.split(snakemake)
    make_grid(spec, tune=tune, budget=each, cores=cores, more=more, images=not without_images)


def _given(value: Any, *, suite: str) -> dict[str, tuple[str, ...]]:
    """Files of weights by the names of their arms, with more of their fine-tunings.

    Raises:
        InputError: If it is something else, a file is not there, or nothing is fine-tuned.
    """
    from gemini_monai.study.benchmark import variants_of

    found = variants_of(value) if value else {}
    if found and suite != "pretraining":
        raise InputError("--given: of benchmark pretraining alone, which fine-tunes weights")
    for name, words in found.items():
        if not words:
            raise InputError(f"--given: '{name}': expected a file of weights, got nothing")
        refuse_absent_weights(words[0])
    return found


def _refuse_unknown(suite: str, methods: Sequence[str], *, budget: str) -> None:
    """Before the first run: a bundle that is not here, a method that it does not have."""
    bundle, baseline = SUITES[suite]
    root, _ = bundle_to_train(BUNDLES[bundle], "train")
    besides = ["gemini", baseline, *([NNUNET] if bundle == "semi" else [])]
    for name in methods:
        if name == NNUNET and bundle == "semi":
            refuse_missing()
            if budget.partition(" ")[0] not in ("steps", "time"):
                raise InputError("--methods: nnunet needs --budget 'steps N' or 'time MINUTES'")
        elif name not in besides:
            method_overlay(root, name, option="--methods", besides=besides)


def check_runs(spec: GridSpec, tune: Sequence[str] = ()) -> None:
    """Before the first run: overlays and overrides of each arm and each candidate of the tuning.

    Args:
        spec: What is to be compared.
        tune: The candidates.

    Raises:
        InputError: Naming the first that is none of a configuration.
    """
    from gemini_monai.commands.parser import read
    from gemini_monai.study.benchmark import grid_runs, trial_runs

    small = replace(spec, labels=spec.labels[:1], draws=spec.draws[:1], seeds=spec.seeds[:1])
    for run in (*grid_runs(small), *(trial_runs(small, tune) if tune else ())):
        function, values = read(shlex.split(run.command)[1:])
        if run.method == NNUNET:
            continue
        del values["minutes"]  # an arm's length is what the budget says
        (finetuning_call if function is finetune else training_call)(**values).check()


def make_grid(
    spec: GridSpec,
    *,
    tune: Sequence[str] = (),
    budget: Budget | None,
    cores: int,
    more: Sequence[str] = (),
    images: bool,
) -> GridResults | None:
    """What an epoch costs, the tuning, the grid with what it chose, then tables and page.

    Args:
        spec: What is to be compared.
        tune: Candidates of the tuning.
        budget: What each arm may spend.
        cores: Runs at a time.
        more: Options of Snakemake.
        images: Whether the page shows images of the data.

    Returns:
        What came out; ``None`` of a dry run.

    Raises:
        InputError: If the folder is another's or runs failed; then the tables are written all the
            same.
    """
    from gemini_monai.study.benchmark import (
        grid_runs,
        probing_runs,
        read_grid_results,
        read_trials,
        refuse_foreign,
        run_grid,
        trial_runs,
        tuned,
        waiting_arms,
        with_budget,
        write_results,
    )

    well, output = True, spec.output
    refuse_foreign(output)
    for folder in spec.data:
        spec.cohort(folder)
    if probes := probing_runs(spec, budget):
        well = run_grid(probes, output=output, cores=cores, more=more)
        _tell_waiting(waiting_arms(spec, budget), output)
    spec = with_budget(spec, budget)
    trials: list[Trial] = []
    if tune:
        well = run_grid(trial_runs(spec, tune), output=output, cores=cores, more=more) and well
        trials = read_trials(spec, tune)
        spec = tuned(spec, trials)
    well = run_grid(grid_runs(spec), output=output, cores=cores, more=more) and well
    if {"--dry-run", "-n"} & set(more):
        return None
    results = read_grid_results(spec, trials)
    _tell(results)
    for path in write_results(results, images=images):
        print(path)
    if not well:
        raise InputError(f"some runs failed; {output}/logs has the whole of what they said")
    return results


def _tell_waiting(names: Sequence[str], output: Path) -> None:
    if names:
        print(
            f"gemini: other work ran beside while the cost of {', '.join(names)} was measured, so "
            f"a minute holds fewer epochs than on an idle machine. For a fair comparison stop, "
            f"delete {output}, and begin again.",
            file=sys.stderr,
        )


def _tell(results: GridResults) -> None:
    from gemini_monai.study.benchmark import cells, failures

    for row in results.rows:
        print(f"{row.data}, {row.labels} labels: {'  '.join(cells(row))}")
        for sentence in failures(row):
            print(f"  {sentence}")


def _overrides(value: Any, name: str) -> None:
    """None, or options with their values as on a command line."""
    try:
        words = shlex.split(value)
    except (AttributeError, ValueError) as error:
        raise InputError(f"{name}: expected texts such as '--KEY VALUE', got {value!r}") from error
    if words and not words[0].startswith("--"):
        raise InputError(f"{name}: expected texts such as '--KEY VALUE', got {value!r}")
