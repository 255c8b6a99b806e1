"""A run folder: what lies where in it, and that one process at a time writes there."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from gemini_monai.errors import InputError
from gemini_monai.files import read_json, refuse_existing, remove_stale_parts, write_json
from gemini_monai.tables import read_table

FILES = (
    "run.json",
    "config.json",
    "history.csv",
    "validation.csv",
    "monitor.csv",
    "probe.csv",
    "report.html",
    "models/last.pt",
    "models/model.pt",
    "test/segmentation.csv",
    "test/segmentation.json",
    "test/registration.csv",
    "test/registration.json",
    "test/pairs/worst.npz",
    "test/pairs/median.npz",
    "test/pairs/best.npz",
    "examples/restoration.npz",
    "examples/pairs/first.npz",
    "examples/pairs/second.npz",
)
"""What a run writes, beside predictions and TensorBoard's events."""
LOCK = ".gemini_monai.lock"
_held: dict[Path, FileLock] = {}


class RunFolder:
    """Where everything of a run lies.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.record = self.path / "run.json"
        self.configuration = self.path / "config.json"
        self.history = self.path / "history.csv"
        self.validation = self.path / "validation.csv"
        self.monitor = self.path / "monitor.csv"
        self.probe = self.path / "probe.csv"
        self.report = self.path / "report.html"
        self.last = self.path / "models" / "last.pt"
        self.model = self.path / "models" / "model.pt"
        self.test = self.path / "test"
        self.examples = self.path / "examples"

    def arms(self) -> list[RunFolder]:
        """Runs that were trained to compare with this one, in its own folder."""
        content = read_json(self.record, dict) if self.record.is_file() else {}
        folders = [RunFolder(self.path / str(name)) for name in content.get("compare", [])]
        return [arm for arm in folders if arm.record.is_file()]

    def files(self) -> list[Path]:
        """Files of a run that are there, those of its arms too; no events."""
        named = [self.path / name for name in FILES]
        found = [path for path in named if path.is_file()]
        found += [path for path in self._predictions() if path.is_file()]
        return found + [path for arm in self.arms() for path in arm.files()]

    def events(self) -> list[Path]:
        """TensorBoard's, but those that this process writes."""
        files = (self.path / "tensorboard").glob("events.out.tfevents.*")
        return sorted(path for path in files if f".{os.getpid()}." not in path.name)

    def _predictions(self) -> Iterator[Path]:
        """Those that the table of scores names, in their own folder."""
        table, place = self.test / "segmentation.csv", (self.test / "predictions").absolute()
        for row in read_table(table) if table.is_file() else []:
            path = Path(row.get("prediction") or place)
            if path.absolute().parent == place:
                yield path

    def is_run(self) -> bool:
        """Whether a run trained here for an epoch or more."""
        return self.record.is_file() and self.last.is_file()


def arm_name(overlay: str) -> str:
    """Folder of an arm, from the name of its method or the file of its overlay."""
    return Path(overlay).stem.removeprefix("method_")


def add_arm(folder: str | Path, name: str) -> None:
    """Let the record of a run name one of its arms, before that is trained."""
    record = RunFolder(folder).record
    content = read_json(record, dict)
    names = dict.fromkeys([*content.get("compare", []), name])
    write_json(record, content | {"compare": list(names)})


def check_run(folder: str | Path, *, resume: bool = False, overwrite: bool = False) -> None:
    """Whether a folder can be taken for a run, before images are loaded; nothing is made in it.

    Args:
        folder: The run folder.
        resume: A run that is there goes on.
        overwrite: A run that is there is replaced.

    Raises:
        InputError: As ``open_run``.
    """
    run = RunFolder(folder)
    if resume and overwrite:
        raise InputError("resume and overwrite: a run goes on or is replaced, not both")
    if not run.path.exists():
        return
    _lock(run.path)
    there = run.files()
    if there and not run.record.is_file():
        raise InputError(
            f"{there[0]}: is there, but {run.record} is not, so it is not of a run; give another "
            "--output_dir"
        )
    if run.is_run() and not (resume or overwrite):
        raise InputError(
            f"{run.path}: a run is there already ({_told(run)}); --resume True goes on with it, "
            "--overwrite True replaces it, or give another --output_dir"
        )


def open_run(folder: str | Path, *, resume: bool = False, overwrite: bool = False) -> None:
    """Take a folder for a run, for this process alone, before anything is written to it.

    Args:
        folder: The run folder; made if it is not there.
        resume: A run that is there goes on.
        overwrite: A run that is there is removed, file by file; nothing that it did not write.

    Raises:
        InputError: If another process is writing there, a run is there and neither is asked for,
            or files of those names are there that are not of a run.
    """
    run = RunFolder(folder)
    _lock(run.path)
    check_run(folder, resume=resume, overwrite=overwrite)
    if resume and not run.last.is_file():
        print(f"{run.path}: no checkpoint to go on from; starts at the beginning")
    for path in [] if resume else [*run.files(), *run.events()]:
        path.unlink()
    for path in (run.path, *run.path.rglob("*")):
        if path.is_dir():
            remove_stale_parts(path)


def refuse_tests(folder: str | Path, *, overwrite: bool = False) -> None:
    """Before a test: scores that are there are not to be replaced.

    Args:
        folder: Where the tables of the test are, ``test`` of a run.
        overwrite: They may be.

    Raises:
        InputError: Naming the first file that is in the way.
    """
    names = [Path(name).relative_to("test") for name in FILES if name.startswith("test/")]
    refuse_existing([Path(folder) / name for name in names], overwrite=overwrite)


def close_run(folder: str | Path) -> None:
    """Let others have the folder; the end of the process does so too."""
    lock = _held.pop(Path(folder).resolve(), None)
    if lock is not None:
        lock.release()


def _lock(path: Path) -> None:
    """Held until ``close_run``, and again by the same process without waiting."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if path.resolve() in _held:
            return
        lock = FileLock(path / LOCK)
        lock.acquire(timeout=0)
        (path / LOCK).write_text(f"process {os.getpid()} on {socket.gethostname()}")
    except Timeout as error:
        holder = (path / LOCK).read_text() or "another process"
        raise InputError(
            f"{path}: {holder} is writing a run there; wait for its end, or give another "
            "--output_dir"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    _held[path.resolve()] = lock


def _told(run: RunFolder) -> str:
    content = read_json(run.record, dict)
    return f"{content.get('method')}, {content.get('iterations')} iterations"
