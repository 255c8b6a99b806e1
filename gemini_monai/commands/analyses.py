"""The command that makes the paper's analyses."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from gemini_monai.bundles import literal

TEXT = "One of the paper's analyses: a table, a picture, and the settings it was made with."
TWO = {
    "embed": ("RUN", "DST", "Features of voxels on a plane, and how structures part (figure 17)."),
    "gap": ("INNER", "INTER", "Gap coefficients of pre-trainings, from two results.csv (eq. 12)."),
    "pairs": ("RUN", "DST", "True pairs and false negatives among labeled images (figure 14)."),
    "partners": ("RUN", "DST", "Unlabeled images that others have no counterpart of (6.2.3)."),
    "reliability": ("RUN", "OTHER", "Agreement of two runs' test scores, case by case (table 10)."),
}
"""Analyses of two things, with their names and what they are."""


def add_commands(commands: Any) -> None:
    """Add ``analyze`` and what is below it."""
    command = commands.add_parser("analyze", help=TEXT, description=TEXT)
    kinds = command.add_subparsers(title="analyses", metavar="ANALYSIS", required=True)
    for name, (first, second, text) in TWO.items():
        kind = kinds.add_parser(name, help=text, description=text)
        kind.add_argument("first", metavar=first)
        kind.add_argument("second", metavar=second)
        _add_output(kind)
        kind.set_defaults(function=analyze, name=name)


def _add_output(kind: argparse.ArgumentParser) -> None:
    kind.add_argument("output", metavar="OUT", help="folder of the table and the picture")
    kind.add_argument(
        "--overwrite", nargs="?", const=True, default=False, type=literal, help="default: False"
    )


def analyze(name: str, first: str, second: str, output: str, overwrite: bool) -> None:
    """``analyze NAME FIRST SECOND OUT``.

    Raises:
        InputError: As the analysis does, or if its files are there.
    """
    from gemini_monai import analyses

    kinds: dict[str, Callable[[str, str], Any]] = {
        "embed": analyses.embedding,
        "gap": analyses.generalization_gap,
        "pairs": analyses.pairing,
        "partners": analyses.partners,
        "reliability": analyses.reliability,
    }
    found = kinds[name](first, second)
    files = analyses.write_analysis(found, output, overwrite=overwrite)
    print("\n".join([*found.sentences, *map(str, files)]))
