"""The command that makes the paper's analyses."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gemini_monai.base.bundles import literal
from gemini_monai.base.files import refuse_existing
from gemini_monai.base.limits import flag
from gemini_monai.base.presence import refuse_absent, refuse_absent_run
from gemini_monai.commands.monai_run import data_set

TEXT = "One of the paper's analyses: a table, a picture, and the settings it was made with."
KINDS = {
    "embed": ("RUN DST", "Features of voxels on a plane, and how structures part (figure 17)."),
    "gap": ("INNER INTER", "Gap coefficients of pre-trainings, from two results.csv (eq. 12)."),
    "noise": ("DST", "What a contrast of pixels learns from wrong pairs (figure 15)."),
    "pairs": ("RUN DST", "True pairs and false negatives among labeled images (figure 14)."),
    "partners": ("RUN DST", "Unlabeled images that others have no counterpart of (6.2.3)."),
    "reliability": ("RUN OTHER", "Agreement of two runs' test scores, case by case (table 10)."),
    "track": ("RUN", "Dice of segmentation and registration over iterations (figure 10)."),
}
"""Analyses, with the names of what they are made of."""
ENDINGS = ("csv", "png", "json")
"""Of the files of an analysis, which have its name."""
THERE: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("RUN", "OTHER"), refuse_absent_run),
    **dict.fromkeys(("INNER", "INTER"), refuse_absent),
    "DST": data_set,
}
"""What stops where such a thing is not there."""


def add_commands(commands: Any) -> None:
    """Add ``analyze`` and what is below it."""
    command = commands.add_parser("analyze", help=TEXT, description=TEXT)
    kinds = command.add_subparsers(title="analyses", metavar="ANALYSIS", required=True)
    for name, (made_of, text) in KINDS.items():
        kind = kinds.add_parser(name, help=text, description=text)
        for number, own in enumerate(made_of.split(), start=1):
            kind.add_argument(f"given_{number}", metavar=own)
        _add_output(kind)
        kind.set_defaults(function=analyze, name=name)


def _add_output(kind: argparse.ArgumentParser) -> None:
    kind.add_argument("output", metavar="OUT", help="folder of the table and the picture")
    kind.add_argument(
        "--overwrite", nargs="?", const=True, default=False, type=literal, help="default: False"
    )


def analyze(name: str, output: str, overwrite: Any, **given: str) -> None:
    """``analyze NAME GIVEN... OUT``.

    Raises:
        InputError: As the analysis does, or if its files are there.
    """
    flag(overwrite, "--overwrite")
    files = [Path(output) / f"{name}.{end}" for end in ENDINGS]
    refuse_existing(files, overwrite=overwrite)
    words = [given[key] for key in sorted(given)]
    for own, word in zip(KINDS[name][0].split(), words, strict=True):
        THERE[own](word)
    from gemini_monai.study import analyses

    kinds: dict[str, Callable[..., Any]] = {
        "embed": analyses.embedding,
        "gap": analyses.generalization_gap,
        "noise": analyses.noise_fit,
        "pairs": analyses.pairing,
        "partners": analyses.partners,
        "reliability": analyses.reliability,
        "track": analyses.track,
    }
    found = kinds[name](*words)
    files = analyses.write_analysis(found, output, overwrite=overwrite)
    print("\n".join([*found.sentences, *map(str, files)]))
