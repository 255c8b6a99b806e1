"""One process at a time writes in a run folder."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from filelock import FileLock, Timeout

from gemini_monai.base.errors import InputError

LOCK = ".gemini_monai.lock"
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
        file.write_text(f"process {os.getpid()} on {socket.gethostname()}")
    except Timeout as error:
        holder = file.read_text() or "another process"
        raise InputError(
            f"{path}: {holder} is writing a run there; wait for its end, or give another "
            "--output_dir"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    _held[path.resolve()] = lock


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
        _held.pop(held).release()
