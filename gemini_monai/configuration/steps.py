"""The steps of a run that its configuration lists, in ``initialize`` and ``training``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gemini_monai import runs
from gemini_monai.configuration.arms import refuse_unknown_arms
from gemini_monai.configuration.overrides import refuse_unknown_overrides
from gemini_monai.errors import install_hook
from gemini_monai.report import print_findings, write_report


def start() -> None:
    """First of all: errors in one line, and no override of a key that is not there.

    Raises:
        InputError: Naming the override and the nearest key.
    """
    install_hook()
    refuse_unknown_overrides()


def check_run(
    folder: str | Path,
    *,
    resume: bool,
    overwrite: bool,
    compare: Sequence[str] = (),
    bundle_root: str | Path = "",
) -> None:
    """Before images are loaded: the folder can be taken, and every arm has an overlay.

    Raises:
        InputError: As ``runs.check_run`` and ``refuse_unknown_arms``.
    """
    refuse_unknown_arms(compare, bundle_root=bundle_root)
    runs.check_run(folder, resume=resume, overwrite=overwrite)


def publish(folder: str | Path) -> None:
    """The page of a run and its arms, and their scores in the terminal."""
    page = write_report([Path(folder)])
    print_findings([Path(folder)], page=page)
