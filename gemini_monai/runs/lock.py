"""One process at a time writes in a run folder."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_text

LOCK = ".gemini_monai.lock"
HOLDER = ".gemini_monai.holder"
"""Says who holds the lock, beside it: on Windows nobody reads or writes a file that is locked."""
_held: dict[Path, FileLock] = {}


def hold(path: Path) -> None:
    """Make a folder, if need be, and keep other processes out of it until ``release``.

    The end of the process lets them in again, too; the same process may hold it twice.

    Raises:
        InputError: If another process is there, or the folder cannot be written.
    """
    file = path / LOCK
    try:
        path.mkdir(parents=True, exist_ok=True)
        if is_held(path):
            return
        if file.is_symlink():
            raise InputError(f"{file}: is a link, expected a file of ours; move it away")
        lock = FileLock(file)
        lock.acquire(timeout=0)
        _tell(path / HOLDER, f"process {os.getpid()} on {socket.gethostname()}")
    except Timeout as error:
        raise InputError(
            f"{path}: {_holder(path)} is writing a run there; wait for its end, or give another "
            "--output_dir"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    _held[path.resolve()] = lock


def _tell(file: Path, text: str) -> None:
    if not file.is_symlink():
        file.write_text(text, encoding="utf-8")


def _holder(path: Path) -> str:
    try:
        return read_text(path / HOLDER)
    except InputError:  # it takes the lock at this moment
        return "another process"


def may_hold(path: Path) -> bool:
    """``hold``, and whether that went well."""
    try:
        hold(path)
    except InputError:
        return False
    return True


def is_held(path: Path) -> bool:
    """Whether this process holds a folder."""
    return path.resolve() in _held


def release(path: Path) -> None:
    """Let others have a folder, and those in it that this process holds."""
    inside = [held for held in _held if held.is_relative_to(path.resolve())]
    for held in inside:
        with suppress(OSError):  # the folder may be gone
            (held / HOLDER).unlink()
        _held.pop(held).release()
