"""What is a run, and which files are its own: the one rule for all that replaces anything.

A folder is a run if its ``run.json`` says that we wrote it. A file is the run's if that record
lists it, and is as the run left it if its SHA-256 is the one that the record of a finished run
holds. The records of earlier versions list nothing: of those runs it is the files that such a run
writes, by their names. Whatever else lies in the folder is a person's.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import digest_of, read_json
from gemini_monai.base.tables import read_table
from gemini_monai.runs.folder import EVENTS, FILES, PREDICTIONS, RunFolder

FORMAT = 1
MARK = {"program": "gemini_monai", "format": FORMAT}
"""What a record of ours begins with."""
EARLY = {
    "bundle": ("gemini_semi", "gemini_mip"),
    "task": ("segmentation", "registration", "pre-training"),
}
"""What records without the mark must say to be ours."""
SUMS = "checksums.sha256"
"""Beside the record in an archive of ``package``, which is no place to train."""
ELSEWHERE = "give another --output_dir"

Files = dict[str, str | None]
"""SHA-256 by name relative to the run, ``None`` where the file may still change."""


def own_record(run: RunFolder) -> dict[str, Any] | None:
    """The record of a folder, where there is one.

    Raises:
        InputError: If there is a ``run.json`` that we did not write, or cannot read.
    """
    if not os.path.lexists(run.record):
        return None
    if run.record.is_symlink() or not run.record.is_file():
        raise InputError(f"{run.record}: is a link or a folder, so this is no run; {ELSEWHERE}")
    try:
        content = read_json(run.record, dict)
    except InputError as error:
        raise InputError(
            f"{error}; so no file here can be known for a run's; {ELSEWHERE}"
        ) from error
    refuse_later(content, run.record)
    if content.get("program") == MARK["program"]:
        return content
    known = all(content.get(key) in values for key, values in EARLY.items())
    if not known or not isinstance(content.get("settings"), dict):
        raise InputError(
            f"{run.record}: is there, and not the record of a run of gemini_monai, so nothing in "
            f"this folder is replaced; {ELSEWHERE}"
        )
    return content


def refuse_later(content: Mapping[str, Any], path: Path) -> None:
    """Stop at a record that says more than this version understands.

    Raises:
        InputError: Naming the record.
    """
    found = content.get("format")
    if content.get("program") == MARK["program"] and found != FORMAT:
        raise InputError(
            f"{path}: key 'format': expected {FORMAT}, found {found!r}, as a later version of "
            "gemini_monai may write it; use that version"
        )


def is_trained(run: RunFolder, record: Mapping[str, Any] | None) -> bool:
    """Whether a run came to the end of an epoch here, whatever became of its files since."""
    return record is not None and (run.last.is_file() or bool(record.get("iterations")))


def is_archive(run: RunFolder, record: Mapping[str, Any]) -> bool:
    """Whether a folder is an unpacked archive of ``package``, whose record lists no files."""
    return (run.path / SUMS).is_file() and not record.get("files")


def own_files(run: RunFolder, record: Mapping[str, Any] | None) -> Files:
    """Files of a run that are there, without those of its arms.

    Args:
        run: The folder.
        record: What ``own_record`` says of it.

    Raises:
        InputError: If the record lists what is no file of a run.
    """
    if record is None:
        return {}
    listed = record["files"] if "files" in record else dict.fromkeys(_early_names(run))
    if not isinstance(listed, dict):
        raise InputError(f"{run.record}: key 'files': expected a JSON object")
    for name in listed:
        if not is_of_a_run(name):
            raise InputError(f"{run.record}: key 'files': {name!r} is no file that a run writes")
    files = {"run.json": None, **listed}
    return {name: digest for name, digest in files.items() if os.path.lexists(run.path / name)}


def is_of_a_run(name: str) -> bool:
    """Whether a name has the form of what a run writes, and so stays in the folder of the run."""
    path = PurePosixPath(name)
    plain = Path(path.name).name == path.name != ".."
    folder = str(path.parent)
    event = folder == EVENTS and path.name.startswith("events.out.tfevents.")
    return name in FILES or (plain and (event or folder == PREDICTIONS) and str(path) == name)


def _early_names(run: RunFolder) -> list[str]:
    """What a run of an earlier version wrote; predictions by the table of their scores."""
    table = run.test / "segmentation.csv"
    rows = read_table(table) if table.is_file() else []
    paths = [PurePath(row.get("prediction") or "") for row in rows]
    predictions = [path.name for path in paths if path.parent.name == "predictions"]
    events = set(run.events()) - set(run.events_of_this_process())
    return [
        *FILES,
        *(f"{PREDICTIONS}/{name}" for name in predictions),
        *(f"{EVENTS}/{path.name}" for path in sorted(events)),
    ]


def refuse_in_the_way(run: RunFolder, own: Files, names: Iterable[str]) -> None:
    """Stop at files of others, or links, where a run would write.

    Args:
        run: The folder.
        own: Files of the run that is there.
        names: What would be written.

    Raises:
        InputError: Naming the first that is in the way.
    """
    refuse_led_astray(run, f"{EVENTS}/any")
    for name in dict.fromkeys([*own, *names]):
        refuse_led_astray(run, name)
        path = run.path / name
        if os.path.lexists(path) and name not in own:
            why = f"{run.record} does not list it" if own else f"{run.record} is not"
            raise InputError(
                f"{path}: is there, but {why}, so it is not of a run; move it away, or {ELSEWHERE}"
            )


def refuse_led_astray(run: RunFolder, name: str) -> None:
    """Stop where a folder on the way to a file is none, or a link that leads elsewhere.

    Args:
        run: The folder.
        name: Of the file, relative to it.

    Raises:
        InputError: Naming what is in the way.
    """
    for parent in [run.path / folder for folder in list(PurePosixPath(name).parents)[:-1]]:
        if parent.is_symlink() or (parent.exists() and not parent.is_dir()):
            kind = "a link" if parent.is_symlink() else "a file"
            raise InputError(
                f"{parent}: is {kind}, where a run has a folder; move it away, or {ELSEWHERE}"
            )


def refuse_changed(run: RunFolder, own: Files, *, but: Collection[str] = ()) -> None:
    """Stop at files of a run that somebody changed or protects, before they are replaced.

    Args:
        run: The folder.
        own: Its files.
        but: Names of those that may be others now.

    Raises:
        InputError: Naming the first.
    """
    for name, digest in own.items():
        path = run.path / name
        if path.is_symlink() or not path.is_file():
            raise InputError(f"{path}: is not the file that the run wrote; move it away")
        if not path.stat().st_mode & stat.S_IWUSR:
            raise InputError(f"{path}: is write-protected, so it is not replaced; move it away")
        if digest is not None and name not in but and digest_of(path) != digest:
            raise InputError(
                f"{path}: was changed since the run wrote it, so it is not replaced; move it away"
            )
