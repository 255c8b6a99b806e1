"""How a folder is taken for a run, and given back; nothing of anybody's is replaced unasked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import refuse_existing, remove_stale_parts, write_json
from gemini_monai.runs.folder import PREDICTIONS, RunFolder
from gemini_monai.runs.listing import begin, files_to_write, has_begun, reserved, seal
from gemini_monai.runs.lock import LOCK, hold, is_held, release
from gemini_monai.runs.ownership import (
    ELSEWHERE,
    MARK,
    is_archive,
    is_trained,
    own_files,
    own_record,
    refuse_changed,
    refuse_in_the_way,
)
from gemini_monai.runs.replacement import ASIDE, recover, set_aside

READ = ("run.json", "history.csv", "validation.csv", "monitor.csv", "probe.csv", "models/last.pt")
"""What a run that goes on reads before it writes it, and judges by what it says."""


def check_run(
    folder: str | Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    predictions: Sequence[str] = (),
    inputs: Iterable[Path] = (),
) -> None:
    """Whether a folder can be taken for a run, before images are loaded; no run is made in it.

    A run that another one was to replace, and that was killed before it saved anything, is back
    then.

    Args:
        folder: The run folder.
        resume: A run that is there goes on.
        overwrite: A run that is there is replaced.
        predictions: Names of the files that it will write of its test cases.
        inputs: Files that it will read, such as labels that a run predicted.

    Raises:
        InputError: As ``open_run``, and if an input is a file of the run that is there.
    """
    run = RunFolder(folder)
    if resume and overwrite:
        raise InputError("resume and overwrite: a run goes on or is replaced, not both")
    if not os.path.lexists(run.path):
        return
    if not run.path.is_dir() or any(os.path.lexists(run.path / name) for name in (LOCK, ASIDE)):
        hold(run.path)
        recover(run)
    record = own_record(run)
    if record is not None and is_archive(run, record):
        raise InputError(f"{run.path}: is an archive of 'gemini package', not a run; {ELSEWHERE}")
    own = own_files(run, record)
    refuse_in_the_way(run, own, reserved(predictions))
    if record is None:
        return
    hold(run.path)
    _refuse_unasked(run, record, resume=resume, overwrite=overwrite)
    refuse_changed(run, own, but=READ if resume else ())
    inputs = list(inputs)
    refuse_existing([run.path / name for name in own], overwrite=True, inputs=inputs)
    for arm in run.arms() if overwrite else []:
        check_run(arm.path, overwrite=True, inputs=inputs)


def _refuse_unasked(
    run: RunFolder, record: dict[str, Any], *, resume: bool, overwrite: bool
) -> None:
    if not is_trained(run, record) or overwrite:
        return
    told = f"({record.get('method')}, {record.get('iterations')} iterations)"
    if not run.last.is_file():
        raise InputError(
            f"{run.path}: a run is there {told} that cannot go on, as {run.last} is not there; "
            f"--overwrite True replaces it, or {ELSEWHERE}"
        )
    if not resume:
        raise InputError(
            f"{run.path}: a run is there already {told}; --resume True goes on with it, "
            f"--overwrite True replaces it, or {ELSEWHERE}"
        )


def open_run(
    folder: str | Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    predictions: Sequence[str] = (),
) -> None:
    """Take a folder for a run, for this process alone, before anything is written to it.

    Args:
        folder: The run folder; made if it is not there.
        resume: A run that is there goes on.
        overwrite: A run that is there is set aside, file by file and nothing that it did not write;
            it goes with the first checkpoint of the new one.
        predictions: Names of the files that it will write of its test cases.

    Raises:
        InputError: If another process is writing there, a run is there and neither is asked for,
            or it cannot go on, files are in the way that are not of a run or were changed since, or
            ``run.json`` is not ours.
    """
    run = RunFolder(folder)
    look = partial(check_run, folder, resume=resume, overwrite=overwrite, predictions=predictions)
    look()
    if not is_held(run.path):
        hold(run.path)
        look()
    begin(run, predictions)
    _remove_stale_parts(run)
    if resume and run.last.is_file():
        return
    if resume:
        print(f"{run.path}: no checkpoint to go on from; starts at the beginning")
    set_aside(run)
    try:
        write_json(run.record, MARK | {"iterations": 0, "files": files_to_write(folder)})
    except BaseException:
        recover(run)
        raise


def _remove_stale_parts(run: RunFolder) -> None:
    for name in ("", "models", "test", PREDICTIONS, "test/pairs", "examples", "examples/pairs"):
        remove_stale_parts(run.path / name)


def close_run(folder: str | Path) -> None:
    """A run came to its end: its files are as they are, and others may have the folder.

    The end of the process lets others in, too.
    """
    run = RunFolder(folder)
    try:
        if has_begun(run):
            recover(run)
            seal(run)
    finally:
        release(run.path)


def put_back(folder: str | Path) -> None:
    """A run failed: the one that it was to replace is back, if it saved nothing."""
    run = RunFolder(folder)
    if has_begun(run):
        recover(run)
