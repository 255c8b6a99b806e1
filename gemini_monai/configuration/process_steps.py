"""Steps of a run that one of several processes does while the others wait."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from gemini_monai import runs
from gemini_monai.base.errors import InputError, install_hook
from gemini_monai.base.limits import real
from gemini_monai.configuration.arms import refuse_unknown_arms
from gemini_monai.configuration.hardware import choose_convolutions
from gemini_monai.configuration.parser_access import has_key, running_parser
from gemini_monai.configuration.run_files import input_files, predicted_files
from gemini_monai.configuration.steps import refuse_other_weights, start
from gemini_monai.engines import ObjectiveTrainer
from gemini_monai.engines.processes import (
    PATIENCE,
    is_first_process,
    join_processes,
    wait_for_others,
)
from gemini_monai.objectives.learner import unwrapped
from gemini_monai.report import print_findings, write_report
from gemini_monai.weights import load_network


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
    """Before anything is trained: the folder, the weights, and the arms that come after the run.

    Raises:
        InputError: As ``refuse_unknown_arms`` and ``refuse_other_weights``; in the first process as
            ``runs.check_run``, of the run and of each arm.
    """
    parser = running_parser()
    arms = parser.get_parsed_content("compare") if has_key(parser, "compare") else []
    refuse_unknown_arms(arms, bundle_root=parser.get_parsed_content("bundle_root"))
    refuse_other_weights(parser.get_parsed_content("weights"), folder)
    if not is_first_process():
        return
    for place in (Path(folder), *(Path(folder) / runs.arm_name(name) for name in arms)):
        runs.check_run(
            place,
            resume=resume,
            overwrite=overwrite,
            predictions=predicted_files(parser),
            inputs=input_files(parser),
        )


def train(
    trainer: ObjectiveTrainer,
    *,
    folder: str | Path,
    resume: bool = False,
    overwrite: bool = False,
) -> None:
    """Open the run's folder, train, and load the network that the run keeps.

    Where training fails, the run that was to be replaced is back.

    Args:
        trainer: Of the run.
        folder: The run folder.
        resume: As of ``runs.open_run``.
        overwrite: As of ``runs.open_run``.

    Raises:
        InputError: As ``runs.open_run``, and of the training.
    """
    choose_convolutions(trainer.state.device)
    _open_run(folder, resume=resume, overwrite=overwrite)
    try:
        trainer.run()
    except BaseException:
        if is_first_process():
            runs.put_back(folder)
        raise
    wait_for_others()
    load_network(unwrapped(trainer.learner).network, runs.RunFolder(folder).model)


def _open_run(folder: str | Path, *, resume: bool, overwrite: bool) -> None:
    """In the first process, before any other goes on."""
    wait_for_others()
    if is_first_process():
        predictions = predicted_files(running_parser())
        runs.open_run(folder, resume=resume, overwrite=overwrite, predictions=predictions)
    wait_for_others()


def close_run(folder: str | Path) -> None:
    """Let others have the folder, when every process has come to the end."""
    wait_for_others()
    if is_first_process():
        runs.close_run(folder)


def finish_run(folder: str | Path) -> None:
    """The page of a run and its arms, and their scores in the terminal; then ``close_run``."""
    if is_first_process():
        page = write_report([Path(folder)])
        print_findings([Path(folder)], page=page)
    close_run(folder)


def refuse_tests(folder: str | Path, *, overwrite: bool = False) -> None:
    """``runs.refuse_tests``, of the predictions and the weights of the running configuration.

    Raises:
        InputError: If there is nothing to test on; in the first process as ``runs.refuse_tests``,
            before any other goes on.
    """
    parser = running_parser()
    cohort = parser.get_parsed_content("cohort")
    if not cohort.test:
        raise InputError(f"{cohort.path}: no test case to score; prepare the data with --test N")
    weights = Path(parser.get_parsed_content("weights"))
    if is_first_process():
        runs.refuse_tests(
            folder,
            overwrite=overwrite,
            predictions=predicted_files(parser),
            trained=weights.parent.parent if weights.parent.name == "models" else None,
        )
    wait_for_others()
