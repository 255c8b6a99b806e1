"""Steps of a run that one of several processes does while the others wait."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from gemini_monai import runs
from gemini_monai.configuration.running import running_parser
from gemini_monai.configuration.steps import start
from gemini_monai.engines.processes import (
    PATIENCE,
    is_first_process,
    join_processes,
    wait_for_others,
)
from gemini_monai.errors import install_hook
from gemini_monai.limits import real
from gemini_monai.report import print_findings, write_report


def start_together(*, patience_minutes: float = PATIENCE.total_seconds() / 60) -> None:
    """Start as one of several processes; the data set is made by the first, if it has to be.

    Args:
        patience_minutes: After which the others end and name a process that does not come to a
            step, or gives no sign of life; above 0.

    Raises:
        InputError: As ``start``, and if the process was not started by ``torchrun``.
    """
    install_hook()  # and by start again, because PyTorch puts another in its place
    real(above=0)(patience_minutes, "key 'train#together#patience_minutes'")
    join_processes(timedelta(minutes=patience_minutes))
    start()
    if is_first_process():
        running_parser().get_parsed_content("datalist")
    wait_for_others()


def check_run(folder: str | Path, *, resume: bool = False, overwrite: bool = False) -> None:
    """``runs.check_run`` in the first process.

    Raises:
        InputError: As ``runs.check_run``.
    """
    if is_first_process():
        runs.check_run(folder, resume=resume, overwrite=overwrite)


def open_run(folder: str | Path, *, resume: bool = False, overwrite: bool = False) -> None:
    """``runs.open_run`` in the first process, before any other goes on.

    Raises:
        InputError: As ``runs.open_run``.
    """
    wait_for_others()
    if is_first_process():
        runs.open_run(folder, resume=resume, overwrite=overwrite)
    wait_for_others()


def close_run(folder: str | Path) -> None:
    """Let others have the folder, when every process has come to the end."""
    wait_for_others()
    if is_first_process():
        runs.close_run(folder)


def publish(folder: str | Path) -> None:
    """The page of a run and its arms, and their scores in the terminal; by the first process."""
    if is_first_process():
        page = write_report([Path(folder)])
        print_findings([Path(folder)], page=page)
