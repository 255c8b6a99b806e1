"""A run takes the place of another: the old one is set aside until the new one has a checkpoint.

The files of the old run are renamed into ``.gemini_monai.replaced`` of its own folder, which lists
them before the first is moved. A kill at any moment leaves one of three:

- some of them are there: nothing of a new run is, or it was being taken back. The old one is back
  with the next command.
- all are there, and the folder has no ``models/last.pt``: the new run saved nothing. Likewise.
- all are there, and the folder has one: the new run can go on, and the old one goes.

Renamed to ``.gemini_monai.discarded`` it is past the last of these, and only to be removed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json, replacing, write_json
from gemini_monai.base.system import replace
from gemini_monai.runs.folder import RunFolder
from gemini_monai.runs.lock import hold, is_held, may_hold, release
from gemini_monai.runs.ownership import is_of_a_run, own_files, own_record, refuse_led_astray

ASIDE = ".gemini_monai.replaced"
DISCARDED = ".gemini_monai.discarded"
LISTED = "files.json"
RECORD = "run.json"


def set_aside(run: RunFolder) -> None:
    """Move the files of a run, and of its arms, out of the way of a new one.

    ``run.json`` stays where it is as well, until that of the new run replaces it: at no moment does
    the folder look as if there had never been a run.

    Args:
        run: The folder, which this process holds.

    Raises:
        InputError: If one cannot be moved, or another process is in the folder of an arm; the run
            is then as it was.
    """
    names = list(_names(run))
    if not names:
        return
    aside = run.path / ASIDE
    try:
        aside.mkdir()
        write_json(aside / LISTED, names)
        for name in names:
            if name != RECORD:
                _move(run.path / name, aside / name)
        with replacing(aside / RECORD) as part:
            shutil.copyfile(run.record, part)
    except OSError as error:
        recover(run)
        raise InputError(f"{run.path}: cannot be replaced: {error.strerror or error}") from error
    except BaseException:
        recover(run)
        raise


def _names(run: RunFolder) -> Iterator[str]:
    """Files of a run and of the arms in it, relative to its folder."""
    yield from own_files(run, own_record(run))
    for arm in run.arms():
        hold(arm.path)
        recover(arm)
        yield from (f"{arm.path.name}/{name}" for name in _names(arm))


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    replace(source, target)


def settle(folder: str | Path) -> None:
    """Let the run go that was set aside, as soon as the new one has a checkpoint."""
    run = RunFolder(folder)
    if (run.path / ASIDE).is_dir() and run.last.is_file():
        _discard(run)


def recover(run: RunFolder) -> None:
    """Bring a run back that was set aside, unless the new one has a checkpoint.

    Args:
        run: The folder, which this process holds.

    Raises:
        InputError: If a file cannot be moved back, or what is there was not set aside by us.
    """
    aside = run.path / ASIDE
    _remove(run.path / DISCARDED)
    if aside.is_symlink() or not aside.is_dir():
        return
    names = _listed(run, aside)
    complete = bool(names) and all(os.path.lexists(aside / name) for name in names)
    if complete and run.last.is_file():
        _discard(run)
        return
    try:
        _put_back(run, names, begun=complete)
    except OSError as error:
        raise InputError(f"{aside}: cannot be moved back: {error.strerror or error}") from error
    if names:
        print(f"{run.path}: the run that was there is back, as the one to replace it saved nothing")


def recover_for_reading(folder: str | Path) -> None:
    """``recover``, before a run is read; not while a process is writing there, as this one may."""
    run = RunFolder(folder)
    if not (run.path / ASIDE).is_dir() or is_held(run.path) or not may_hold(run.path):
        return
    try:
        recover(run)
    finally:
        release(run.path)


def _listed(run: RunFolder, aside: Path) -> list[str]:
    """What is to be moved back; nothing where the list was not yet written."""
    file = aside / LISTED
    names = read_json(file, list) if file.is_file() else []
    for name in names:
        parts = PurePosixPath(str(name)).parts
        ours = any(is_of_a_run("/".join(parts[k:])) for k in range(len(parts)))
        if not ours or ".." in parts or Path(str(name)).is_absolute():
            raise InputError(f"{file}: {name!r} is no file of a run")
        for folder in (run, RunFolder(aside)):
            refuse_led_astray(folder, name)
    return names


def _put_back(run: RunFolder, names: Sequence[str], *, begun: bool) -> None:
    aside = run.path / ASIDE
    moved = [name for name in names if os.path.lexists(aside / name)]
    _refuse_taken_arms(run, moved)
    for name in own_files(run, own_record(run)) if begun else {}:
        if name not in names:
            (run.path / name).unlink()  # of the new run, which listed it before it wrote it
    for name in moved:
        _move(aside / name, run.path / name)
    _remove(aside)


def _refuse_taken_arms(run: RunFolder, names: Sequence[str]) -> None:
    """The new run comes to its arms long after its first checkpoint; another may have, before."""
    arms = [PurePosixPath(name).parent for name in names if name.endswith(f"/{RECORD}")]
    for arm in arms:
        hold(run.path / arm)
        taken = [n for n in names if n.startswith(f"{arm}/") and os.path.lexists(run.path / n)]
        if taken:
            moved = run.path / ASIDE / taken[0]
            raise InputError(
                f"{run.path / taken[0]}: is there, so {moved} cannot be moved back; move one of "
                "the two away"
            )


def _discard(run: RunFolder) -> None:
    _remove(run.path / DISCARDED)
    replace(run.path / ASIDE, run.path / DISCARDED)
    _remove(run.path / DISCARDED)


def _remove(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
