"""Steps of a run that one of several processes does while the others wait."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Protocol

from gemini_monai import runs
from gemini_monai.base.errors import install_hook
from gemini_monai.base.limits import real
from gemini_monai.configuration.run_files import input_files, predicted_files
from gemini_monai.configuration.running import running_parser
from gemini_monai.configuration.steps import start
from gemini_monai.engines.processes import (
    PATIENCE,
    is_first_process,
    join_processes,
    wait_for_others,
)
from gemini_monai.report import print_findings, write_report


class Trainer(Protocol):
    """What a run trains by, MONAI's."""

    def run(self) -> None:
        """Train."""


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
    """``runs.check_run`` in the first process, of the run and of the arms that come after it.

    Raises:
        InputError: As ``runs.check_run``.
    """
    if not is_first_process():
        return
    parser = running_parser()
    arms = parser.get_parsed_content("compare") if "compare" in parser else []
    for place in (Path(folder), *(Path(folder) / runs.arm_name(name) for name in arms)):
        runs.check_run(
            place,
            resume=resume,
            overwrite=overwrite,
            predictions=predicted_files(parser),
            inputs=input_files(parser),
        )


def open_run(folder: str | Path, *, resume: bool = False, overwrite: bool = False) -> None:
    """``runs.open_run`` in the first process, before any other goes on.

    Raises:
        InputError: As ``runs.open_run``.
    """
    wait_for_others()
    if is_first_process():
        predictions = predicted_files(running_parser())
        runs.open_run(folder, resume=resume, overwrite=overwrite, predictions=predictions)
    wait_for_others()


def train(trainer: Trainer, *, folder: str | Path) -> None:
    """Train; where that fails, the run that was to be replaced is back.

    Args:
        trainer: Of the run.
        folder: The run folder, opened.
    """
    try:
        trainer.run()
    except BaseException:
        if is_first_process():
            runs.put_back(folder)
        raise


def close_run(folder: str | Path) -> None:
    """Let others have the folder, when every process has come to the end."""
    wait_for_others()
    if is_first_process():
        runs.close_run(folder)


def refuse_tests(folder: str | Path, *, overwrite: bool = False) -> None:
    """``runs.refuse_tests``, of the predictions and the weights of the running configuration.

    Raises:
        InputError: As ``runs.refuse_tests``.
    """
    parser = running_parser()
    weights = Path(parser.get_parsed_content("weights"))
    runs.refuse_tests(
        folder,
        overwrite=overwrite,
        predictions=predicted_files(parser),
        trained=weights.parent.parent if weights.parent.name == "models" else None,
    )


def publish(folder: str | Path) -> None:
    """The page of a run and its arms, and their scores in the terminal; by the first process."""
    if is_first_process():
        page = write_report([Path(folder)])
        print_findings([Path(folder)], page=page)
