"""The command that compares systems under one protocol."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from gemini_monai.bundles import literal
from gemini_monai.commands.bundle import OVERRIDES
from gemini_monai.errors import InputError
from gemini_monai.limits import several, text, whole

TEXT = "Compare systems: every run of a grid, then one table with intervals, ranks and costs."


def add_commands(commands: Any) -> None:
    """Add ``benchmark``."""
    command = commands.add_parser("benchmark", help=TEXT, description=TEXT, epilog=OVERRIDES)
    command.add_argument("suite", metavar="{few_labels,pretraining}", help="what is compared")
    command.add_argument(
        "data",
        nargs="+",
        metavar="DST",
        help="prepared data sets; pretraining takes the first to pre-train on",
    )
    command.add_argument("--output", required=True, metavar="FOLDER", help="of runs and tables")
    _add_grid(command)
    command.add_argument(
        "--pretraining", default="", metavar="'--KEY VALUE'", help="overrides of pre-trainings"
    )
    command.add_argument(
        "--snakemake", default="", metavar="'--OPTION'", help="options of Snakemake"
    )
    command.set_defaults(function=benchmark)


def _add_grid(command: argparse.ArgumentParser) -> None:
    for name, default, what in (
        ("methods", ["gemini"], "names of method_NAME.json, and gemini"),
        ("labels", [5], "numbers of labeled images"),
        ("seeds", [0, 1, 2], "of weights, batches and the choice of labeled images"),
    ):
        command.add_argument(
            f"--{name}", type=literal, default=default, help=f"{what}; default: {default}"
        )
    command.add_argument(
        "--cores", type=literal, default=1, help="runs at a time, one thread each; default: 1"
    )


def benchmark(
    suite: str,
    data: list[str],
    output: str,
    methods: Any,
    labels: Any,
    seeds: Any,
    cores: Any,
    pretraining: str,
    snakemake: str,
    overrides: list[str],
) -> None:
    """``benchmark SUITE DST... --output FOLDER``.

    Raises:
        InputError: If the question is none, or runs failed; the table is written all the same.
    """
    several(text, least=1)(methods, "--methods")
    several(whole(1), least=1)(labels, "--labels")
    several(whole(0), least=1)(seeds, "--seeds")
    whole(1)(cores, "--cores")
    from gemini_monai.benchmark import Question, cells, failures, rows, run_grid, write_results

    question = Question(
        suite=suite,
        data=tuple(map(Path, data)),
        methods=tuple(methods),
        labels=tuple(labels),
        seeds=tuple(seeds),
        output=Path(output),
        overrides=tuple(overrides),
        pretraining=tuple(shlex.split(pretraining)),
    )
    well = run_grid(question, cores=cores, more=shlex.split(snakemake))
    if {"--dry-run", "-n"} & set(shlex.split(snakemake)):
        return
    found = rows(question)
    for row in found:
        print(f"{row.data}, {row.labels} labels: {'  '.join(cells(row))}")
        for sentence in failures(row):
            print(f"  {sentence}")
    for path in write_results(question, found):
        print(path)
    if not well:
        raise InputError(f"some runs failed; {output}/logs has the whole of what they said")
