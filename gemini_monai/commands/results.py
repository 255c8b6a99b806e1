"""Commands on files that are there: check, report, and the viewer of its page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gemini_monai.base.bundles import command_line_overrides, literal
from gemini_monai.base.presence import refuse_absent_configuration, refuse_absent_run
from gemini_monai.commands.trust import check_masks

OF_MASKS = "check RUN IMAGES MASKS OUT: how far masks are to be trusted, whoever made them."


def add_commands(commands: Any) -> None:
    """Add them."""
    text = "Whether configuration files parse and every override names a key; or, of masks, trust."
    command = commands.add_parser("check", help=text, description=f"{text}\n{OF_MASKS}")
    command.add_argument(
        "config_file", metavar="CONFIG | RUN", type=literal, help="a file, or \"['a','b']\"; a run"
    )
    text = "overrides of CONFIG; of RUN: IMAGES MASKS OUT"
    command.add_argument("given", nargs=argparse.REMAINDER, metavar="...", help=text)
    command.set_defaults(function=check)
    _add_report(commands)
    text = "Install NiiVue by npm, so that pages of 3-D runs have volumes to scroll through."
    command = commands.add_parser("viewer", help=text, description=text)
    command.set_defaults(function=viewer)


def _add_report(commands: Any) -> None:
    text = "Make the page of one run again, or of several side by side."
    command = commands.add_parser("report", help=text, description=text)
    command.add_argument("runs", nargs="+", metavar="RUN", help="folders of runs")
    command.add_argument(
        "--output", metavar="FILE", help="the page; default: RUN/report.html, or comparison.html"
    )
    command.add_argument(
        "--without_images",
        action="store_true",
        help="a page with tables and charts alone, to share",
    )
    command.set_defaults(function=report)


def check(config_file: Any, given: list[str]) -> None:
    """``check CONFIG [OVERRIDES]``, or ``check RUN IMAGES MASKS OUT``.

    Raises:
        InputError: Naming the file or the override; or as ``check_masks``.
    """
    if isinstance(config_file, str) and Path(config_file).is_dir():
        check_masks(config_file, given)
        return
    for file in [config_file] if isinstance(config_file, str) else config_file:
        for part in [file] if Path(file).is_file() else str(file).split(","):
            refuse_absent_configuration(part)
    from gemini_monai.configuration import check_configuration

    changed = check_configuration(config_file, **command_line_overrides(given))
    print(f"ok: {', '.join(changed) or 'no overrides'}")


def report(runs: list[str], output: str | None, *, without_images: bool) -> None:
    """``report RUN...``.

    Raises:
        InputError: If a path is not a run folder.
    """
    for run in runs:
        refuse_absent_run(run)
    from gemini_monai.report import print_findings, write_report

    folders = [Path(run) for run in runs]
    place = Path(output) if output else None
    page = write_report(folders, output=place, images=not without_images)
    print_findings(folders, page=page)


def viewer() -> None:
    """``viewer``.

    Raises:
        InputError: If npm is not there or says no.
    """
    from gemini_monai.report import install_viewer

    print(f"NiiVue {install_viewer()} is installed; make a page again with: gemini report RUN")
