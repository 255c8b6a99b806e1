"""nnU-Net itself as a run: the same labeled cases, its own training, our scores."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import partial
from pathlib import Path

import torch
from monai.utils.misc import set_determinism

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import refuse_existing
from gemini_monai.base.system import replace
from gemini_monai.data import Cohort, read_cohort
from gemini_monai.report import print_findings, write_report
from gemini_monai.runs import (
    RunFolder,
    check_device,
    check_run,
    close_run,
    open_run,
    put_back,
    settle,
)
from gemini_monai.study.nnunet.planning import folders_in, plan, with_variables
from gemini_monai.study.nnunet.raw_data_set import label_meanings, write_raw
from gemini_monai.study.nnunet.record import METHOD, write_record
from gemini_monai.study.nnunet.testing import score_tests
from gemini_monai.study.nnunet.training import (
    Trained,
    augmentation_of,
    make_trainer,
    schedule_of,
    train,
)
from gemini_monai.study.nnunet.wanted import Wanted, refuse_missing

FOLDER = "nnunet"
"""In the run: raw data, preprocessed data and results of nnU-Net, and what it printed."""


def train_nnunet(
    path: str | Path,
    output_dir: str | Path,
    *,
    wanted: Wanted,
    device: str | torch.device | None = None,
    overwrite: bool = False,
) -> Path:
    """Plan, train and test nnU-Net on the labeled cases of a data set, as a run.

    It has what any run has, so that report and benchmark read it, but for weights that our commands
    would use: those are nnU-Net's, in ``nnunet/results``. ``seconds`` and ``cpu_seconds`` are of
    the training alone; planning, and timing a few iterations to know how many fit, stand beside.

    Args:
        path: The ``dataset.json``.
        output_dir: The run folder.
        wanted: How it is trained.
        device: Where; ``None`` for a GPU where there is one.
        overwrite: A run of this kind that is there is replaced.

    Returns:
        The page of the run.

    Raises:
        InputError: If nnU-Net is not installed, before anything is made; if the data set cannot be
            read or has no such labeled cases, the folder cannot be taken, or nnU-Net has no such
            planner or configuration.
    """
    refuse_missing()
    chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    check_device(str(chosen))
    cohort = read_cohort(
        path,
        labeled_cases=wanted.labeled_cases,
        labeled_draw=wanted.labeled_draw,
        seed=wanted.seed,
    )
    if not cohort.labeled:
        raise InputError(f"{path}: no labeled case to train on")
    label_meanings(cohort.input_spec())
    folder = Path(output_dir)
    predictions = [f"{entry['case']}.nii.gz" for entry in cohort.test]
    with _run_in(folder, predictions, overwrite=overwrite):
        _train_and_test(cohort, folder, wanted=wanted, device=chosen)
        page = write_report([folder])
        print_findings([folder], page=page)
    return page


@contextmanager
def _run_in(folder: Path, predictions: Sequence[str], *, overwrite: bool) -> Iterator[None]:
    """A run that is written in a folder; the one before it is back if this one saves nothing."""
    check_run(folder, overwrite=overwrite, predictions=predictions)
    if not RunFolder(folder).record.is_file():
        refuse_existing([folder / FOLDER])
    open_run(folder, overwrite=overwrite, predictions=predictions)
    try:
        yield
    except BaseException:
        put_back(folder)
        raise
    close_run(folder)


def _train_and_test(cohort: Cohort, folder: Path, *, wanted: Wanted, device: torch.device) -> None:
    run, work = RunFolder(folder), folder / f"{FOLDER}.part"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    with (work / "log.txt").open("w", encoding="utf-8") as log, with_variables(folders_in(work)):
        with redirect_stdout(log):
            trained, times = _trained(cohort, work, wanted=wanted, device=device)
        write_record(run, cohort, wanted=wanted, trained=trained, times=times)
        settle(folder)
        print(f"{METHOD}: {_told(trained)}; {len(cohort.test)} test cases")
        if cohort.test:
            with redirect_stdout(log):
                score_tests(
                    trained.trainer,
                    cohort.test,
                    spec=cohort.input_spec(),
                    folder=run.test,
                    tolerance=wanted.surface_tolerance,
                )
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
    replace(work, folder / FOLDER)


def _trained(
    cohort: Cohort, work: Path, *, wanted: Wanted, device: torch.device
) -> tuple[Trained, dict[str, float]]:
    """The training, and the seconds of what came before it."""
    begun, spec = time.monotonic(), cohort.input_spec()
    write_raw(cohort.labeled, work / "raw", spec=spec, modality=wanted.modality)
    configuration = wanted.configuration or ("2d" if spec.spatial_dims == 2 else "3d_fullres")
    plans = plan(wanted.planner, configuration)
    planned = time.monotonic()
    make = partial(make_trainer, plans, configuration, mirroring=wanted.mirroring, device=device)
    with with_variables(augmentation_of(device)):
        schedule = schedule_of(wanted, make)
        measured = time.monotonic()
        set_determinism(seed=wanted.seed)
        trained = train(make(), schedule)
    times = {"planning_seconds": planned - begun, "timing_seconds": measured - planned}
    return trained, {name: round(value, 1) for name, value in times.items()}


def _told(trained: Trained) -> str:
    schedule, settings = trained.schedule, trained.trainer.configuration_manager
    patch = " x ".join(map(str, settings.patch_size))
    return (
        f"{schedule.epochs} epochs of {schedule.epoch_length} iterations, patches of {patch}, "
        f"{settings.batch_size} at a time; {trained.seconds:.0f} s, {trained.cpu_seconds:.0f} s of "
        "processor time"
    )
