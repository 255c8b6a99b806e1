"""The files that the record of a run lists: before they are written, and as they came out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from gemini_monai.base.files import digest_of, write_json
from gemini_monai.runs.folder import EVENTS, FILES, PREDICTIONS, RunFolder
from gemini_monai.runs.ownership import own_files, own_record

_predictions: dict[Path, tuple[str, ...]] = {}
"""By the folders that this process writes in."""


def reserved(predictions: Iterable[str]) -> list[str]:
    """Names of all that a run may write, but for events.

    Args:
        predictions: Files of its test cases.
    """
    return [*FILES, *(f"{PREDICTIONS}/{name}" for name in predictions)]


def begin(run: RunFolder, predictions: Sequence[str] = ()) -> None:
    """This process writes in a folder from here on, until ``seal``.

    Args:
        run: The folder.
        predictions: Files of its test cases that it will write.
    """
    _predictions[run.path.resolve()] = tuple(predictions)


def has_begun(run: RunFolder) -> bool:
    """Whether this process writes in a folder."""
    return run.path.resolve() in _predictions


def files_to_write(folder: str | Path) -> dict[str, None]:
    """What a record lists while its run writes: any may be there, and none is done with.

    Args:
        folder: The run folder; what is there and was not listed so far is somebody else's.
    """
    run = RunFolder(folder)
    own = own_files(run, own_record(run))
    names = reserved(_predictions.get(run.path.resolve(), ()))
    ours = [name for name in names if name in own or not os.path.lexists(run.path / name)]
    return dict.fromkeys([*ours, *own, *_events(run)])


def go_on(folder: str | Path) -> None:
    """Before the first file of a run that goes on is written: its files may change again."""
    claim(RunFolder(folder), files_to_write(folder))


def claim(run: RunFolder, names: Iterable[str]) -> None:
    """Let the record list files before they are written; the listed may change from then on.

    Records of earlier versions stay as they are.

    Args:
        run: The folder.
        names: What is to be written.
    """
    record = own_record(run)
    if record is not None and "files" in record:
        files = record["files"] | dict.fromkeys(names)
        if files != record["files"]:
            write_json(run.record, record | {"files": files})


def seal(run: RunFolder) -> None:
    """Let the record hold the digests of the files that were written since the last time.

    What is listed and was never written leaves the list; what was deleted since stays on it.
    """
    _predictions.pop(run.path.resolve(), None)
    record = own_record(run)
    if record is None or "files" not in record:
        return
    files = record["files"] | dict.fromkeys(_events(run))
    there = own_files(run, record | {"files": files})
    written = [name for name in there if there[name] is None and _comes_to_an_end(name)]
    if written:
        files |= {name: digest_of(run.path / name) for name in written}
        kept = {name: files[name] for name in sorted(files) if files[name] or name in there}
        write_json(run.record, record | {"files": kept})


def _events(run: RunFolder) -> list[str]:
    return [f"{EVENTS}/{path.name}" for path in run.events_of_this_process()]


def _comes_to_an_end(name: str) -> bool:
    """Not the record itself, nor what TensorBoard may still be adding to."""
    return name != "run.json" and not name.startswith(f"{EVENTS}/")
