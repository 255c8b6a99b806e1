"""Commands on files that are there: check, report, export, inspect, bundle, package."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from gemini_monai.bundles import command_line_overrides, copy_bundle, literal
from gemini_monai.commands.preparation import add_overwrite
from gemini_monai.limits import flag


def add_commands(commands: Any) -> None:
    """Add them."""
    text = "Whether configuration files parse and every override names a key, without a run."
    command = commands.add_parser("check", help=text, description=text)
    command.add_argument(
        "config_file", metavar="CONFIG", type=literal, help="a file, or \"['a','b']\""
    )
    command.add_argument("given", nargs=argparse.REMAINDER, metavar="--KEY VALUE", help="overrides")
    command.set_defaults(function=check)
    _add_report(commands)
    _add_export(commands)
    _add_package(commands)
    _add_bundle(commands)
    text = "Where an exported backbone comes from."
    command = commands.add_parser("inspect", help=text, description=text)
    command.add_argument("file", metavar="FILE")
    command.set_defaults(function=inspect)


def _add_report(commands: Any) -> None:
    text = "Make the page of one run again, or of several side by side."
    command = commands.add_parser("report", help=text, description=text)
    command.add_argument("runs", nargs="*", metavar="RUN", help="folders of runs")
    command.add_argument(
        "--output", metavar="FILE", help="the page; default: RUN/report.html, or comparison.html"
    )
    command.set_defaults(function=report)


def _add_export(commands: Any) -> None:
    text = "Write a run's backbone, or its encoder, as a file of its own with a card."
    command = commands.add_parser("export", help=text, description=text)
    command.add_argument("run", metavar="RUN", help="folder of a run")
    command.add_argument("output", metavar="FILE", help="the new file")
    command.add_argument(
        "--part",
        choices=("backbone", "encoder"),
        default="backbone",
        help="what is written; default: backbone",
    )
    add_overwrite(command)
    command.set_defaults(function=export)


def _add_package(commands: Any) -> None:
    text = "Make one archive, with checksums, of a bundle and the weights of a run."
    command = commands.add_parser("package", help=text, description=text)
    command.add_argument("bundle", metavar="BUNDLE", help="folder of a bundle")
    command.add_argument(
        "run", nargs="?", metavar="RUN", help="folder of a run; default: the only one of the bundle"
    )
    command.add_argument("--output", metavar="FOLDER", help="default: where the bundle's folder is")
    add_overwrite(command)
    command.set_defaults(function=package)


def _add_bundle(commands: Any) -> None:
    text = "Copy a bundle that came with the package, to train in a folder of one's own."
    command = commands.add_parser("bundle", help=text, description=text)
    command.add_argument("name", metavar="{semi,mip}", help="semi or mip")
    command.add_argument(
        "folder", nargs="?", default="bundles", metavar="FOLDER", help="default: bundles"
    )
    command.set_defaults(function=bundle)


def check(config_file: Any, given: list[str]) -> None:
    """``check CONFIG [OVERRIDES]``.

    Raises:
        InputError: Naming the file or the override.
    """
    from gemini_monai.configuration import check_configuration

    changed = check_configuration(config_file, **command_line_overrides(given))
    print(f"ok: {', '.join(changed) or 'no overrides'}")


def report(runs: list[str], output: str | None) -> None:
    """``report RUN...``.

    Raises:
        InputError: If a path is not a run folder.
    """
    from gemini_monai.report import print_findings, write_report

    folders = [Path(run) for run in runs]
    page = write_report(folders, output=Path(output) if output else None)
    print_findings(folders, page=page)


def export(run: str, output: str, part: str, overwrite: Any) -> None:
    """``export RUN FILE``.

    Raises:
        InputError: If the run is not there, or the file is.
    """
    from gemini_monai.weights import export_backbone

    flag(overwrite, "--overwrite")
    print(export_backbone(run, output, part=part, overwrite=overwrite))


def package(bundle: str, run: str | None, output: str | None, overwrite: Any) -> None:
    """``package BUNDLE [RUN]``.

    Raises:
        InputError: If they do not fit, or the archive is there.
    """
    from gemini_monai.weights import package_bundle

    flag(overwrite, "--overwrite")
    print(package_bundle(bundle, run, output=output, overwrite=overwrite))


def bundle(name: str, folder: str) -> None:
    """``bundle NAME [FOLDER]``.

    Raises:
        InputError: If there is no such bundle, or the folder has one already.
    """
    print(copy_bundle(name, folder))


def inspect(file: str) -> None:
    """``inspect FILE``.

    Raises:
        InputError: If it is no exported backbone.
    """
    from gemini_monai.weights import read_card

    print(json.dumps(read_card(file), indent=1))
