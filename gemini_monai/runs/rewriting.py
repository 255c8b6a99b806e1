"""Files of a run that is done, written anew: scores of a test, and the page."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json, refuse_existing
from gemini_monai.runs.folder import FILES, RunFolder
from gemini_monai.runs.listing import begin, claim, reserved, seal
from gemini_monai.runs.lock import hold, is_held, may_hold, release
from gemini_monai.runs.ownership import (
    ELSEWHERE,
    own_files,
    own_record,
    refuse_changed,
    refuse_in_the_way,
)


def refuse_tests(
    folder: str | Path,
    *,
    overwrite: bool = False,
    predictions: Sequence[str] = (),
    trained: str | Path | None = None,
) -> None:
    """Before a test: scores that are there are not to be replaced.

    Args:
        folder: Where tables and predictions go, ``test`` of a run or elsewhere.
        overwrite: They may be replaced.
        predictions: Names of the files in ``folder/predictions``.
        trained: Run whose weights are tested.

    Raises:
        InputError: Naming the first file that is in the way, or that somebody changed in a run; or
            if the folder is of another run than what is tested.
    """
    folder, run = Path(folder), RunFolder(Path(folder).parent)
    names = [name for name in reserved(predictions) if name.startswith("test/")]
    outputs = [folder / Path(name).relative_to("test") for name in names]
    refuse_existing(outputs, overwrite=overwrite)
    if folder.name != "test" or own_record(run) is None:
        return
    if trained is not None and Path(trained).resolve() != run.path.resolve():
        raise InputError(
            f"{run.path}: is a run, but not that of the weights, {trained}; {ELSEWHERE}"
        )
    _reopen(run, names)


def _reopen(run: RunFolder, names: Collection[str]) -> None:
    """Let files of a run that is done be written anew, where they are as it left them."""
    hold(run.path)
    own = own_files(run, own_record(run))
    refuse_in_the_way(run, own, names)
    refuse_changed(run, {name: own[name] for name in own if name in names})
    begin(run)
    claim(run, names)


@contextmanager
def rewriting(folder: str | Path, name: str) -> Iterator[None]:
    """Write a file of a run that is done anew, such as its page.

    Args:
        folder: The run folder; where it is none, lists no files, or a process is writing in it,
            there is nothing to keep up.
        name: Of the file.

    Raises:
        InputError: If somebody changed the file since.
    """
    run = RunFolder(folder)
    known = name in FILES and run.record.is_file() and not is_held(run.path)
    if not known or not read_json(run.record, dict).get("files") or not may_hold(run.path):
        yield
        return
    try:
        _reopen(run, [name])
        yield
        seal(run)
    finally:
        release(run.path)
