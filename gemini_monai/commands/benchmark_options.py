"""What may be said to the commands that compare systems, and weights to start from."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Any

from gemini_monai.base.bundles import literal

LITERALS: tuple[tuple[str, Any, str], ...] = (
    ("methods", ["gemini"], "names of method_NAME.json, gemini, and of few_labels nnunet"),
    ("labels", [5], "numbers of labeled images"),
    ("draws", 5, "choices of the labeled images; fewer are told as an anecdote"),
    ("folds", 0, "split by patient anew, draw k of fold k; 0 for the data's own test cases"),
    ("seeds", [], "of weights and batches, each with every draw; [] is the draw's number"),
    ("cores", 1, "runs at a time, one thread each"),
)
"""Name, default and meaning."""
ARMS: tuple[tuple[str, Any, str, str], ...] = (
    (
        "variants",
        {},
        "\"{'NAME':'--KEY VALUE'}\"",
        "further arms, GEMINI with these overrides; or presets, such as ablation",
    ),
    (
        "given",
        {},
        "\"{'NAME':'FILE --KEY VALUE'}\"",
        "further arms of pretraining: weights of others to fine-tune, with these overrides",
    ),
    (
        "tune",
        [],
        "\"['','--KEY VALUE']\"",
        "overrides of trainings; every arm takes the one with the best validation Dice",
    ),
)
"""The same, with what is to be written."""
STARTS: tuple[tuple[str, Any, str], ...] = (
    ("labels", 5, "labeled images of each draw"),
    *(own for own in LITERALS if own[0] in ("draws", "cores")),
)
"""The numbers of ``compare``."""
TEXTS: tuple[tuple[str, str, str, str], ...] = (
    ("pretraining", "", "'--KEY VALUE'", "overrides of pre-trainings"),
    (
        "budget",
        "",
        "KIND",
        "what every arm may spend: steps, time or converged, with an amount: 'steps 1200', 'time "
        "5' (minutes), 'converged 0.3' (share without a gain); default: --epochs decides",
    ),
    (
        "nnunet",
        "",
        "'--KEY VALUE'",
        "options of the arm nnunet, such as '--mirroring False' (gemini nnunet --help)",
    ),
    (
        "checkpoint",
        "best",
        "{best,last}",
        "which one the tables are of; both are tested, and in the CSV files; default: best",
    ),
    ("snakemake", "", "'--OPTION VALUE'", "options of Snakemake"),
)
FLAGS = (
    (
        "labels_in_all",
        "read no label but the labeled images' before the test; the last checkpoint is tested",
    ),
    ("without_images", "a page with tables and charts alone, to share"),
)


def add_options(command: argparse.ArgumentParser, *, suites: Iterable[str]) -> None:
    """Add all that ``benchmark`` takes.

    Args:
        command: Its parser.
        suites: Names of what can be compared.
    """
    command.add_argument("suite", metavar=f"{{{','.join(suites)}}}", help="what is compared")
    data = "prepared data sets; pretraining takes the first to pre-train on"
    command.add_argument("data", nargs="+", metavar="DST", help=data)
    command.add_argument("--output", required=True, metavar="FOLDER", help="of runs and tables")
    for name, default, what in LITERALS:
        text = f"{what}; default: {default}"
        command.add_argument(f"--{name}", type=literal, default=default, help=text)
    _add(command, ARMS, kind=literal)
    _add(command, TEXTS, kind=str)
    for name, what in FLAGS:
        command.add_argument(f"--{name}", action="store_true", help=what)


def add_start_options(command: argparse.ArgumentParser) -> None:
    """Add all that ``compare`` takes.

    Args:
        command: Its parser.
    """
    command.add_argument("data", metavar="DATA", help="a prepared data set with labels")
    text = "[NAME=]SOURCE: a run, released weights, or a file of weights; none is always compared"
    command.add_argument("starts", nargs="+", metavar="START", help=text)
    command.add_argument("--output", required=True, metavar="FOLDER", help="of runs and tables")
    for name, default, what in STARTS:
        text = f"{what}; default: {default}"
        command.add_argument(f"--{name}", type=literal, default=default, help=text)
    _add(command, [own for own in TEXTS if own[0] == "budget"], kind=str)
    command.add_argument("--without_images", action="store_true", help=FLAGS[1][1])


def _add(
    command: argparse.ArgumentParser,
    options: Iterable[tuple[str, Any, str, str]],
    *,
    kind: Callable[[str], Any],
) -> None:
    for name, default, written, what in options:
        command.add_argument(f"--{name}", type=kind, default=default, metavar=written, help=what)
