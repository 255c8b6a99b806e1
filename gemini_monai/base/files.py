"""Files: whole or none, never somebody else's, and errors that name them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from gemini_monai.base.errors import InputError
from gemini_monai.base.system import flush, is_running, replace

PART = re.compile(r"\.part-(?:([\w.]+)-)?(\d+)-.")
"""Name of a file that is being written: host, process, and its name to be."""

T = TypeVar("T")
_cleaned: set[Path] = set()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes the place of ``path`` when the block succeeds.

    What was at ``path`` stays untouched when the block raises, and no part file is left. The part
    keeps the suffixes of ``path``, which many writers choose their format by. Parts that killed
    processes left in that folder go.

    Raises:
        InputError: If the operating system refuses, naming ``path`` and why.
    """
    part = path.with_name(f".part-{_host()}-{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent not in _cleaned:
            remove_stale_parts(path.parent)
            _cleaned.add(path.parent)
        yield part
        flush(part)
        replace(part, path)
    except OSError as error:
        raise InputError(_not_written(path, error.strerror or str(error))) from error
    finally:
        _forget(part)


def _not_written(path: Path, reason: str) -> str:
    kept = "; the previous one is kept" if path.is_file() else ""
    return f"{path}: cannot be written: {reason}{kept}"


def _forget(part: Path) -> None:
    with suppress(OSError):  # no folder, or no right to it: the error under way says so
        part.unlink(missing_ok=True)


def _host() -> str:
    return re.sub(r"[^\w.]", "_", socket.gethostname())


def remove_stale_parts(folder: Path) -> None:
    """Remove files that a process of this machine, which is no more, was writing in a folder."""
    for path in folder.glob(".part-*"):
        found = PART.match(path.name)
        if found is None or not path.is_file() or path.is_symlink():
            continue
        if found[1] in (None, _host()) and not is_running(int(found[2])):
            path.unlink(missing_ok=True)


def refuse_existing(
    outputs: Iterable[Path], *, overwrite: bool = False, inputs: Iterable[Path] = ()
) -> None:
    """Before anything is done: nothing that is there is to be replaced.

    Args:
        outputs: Files that will be written.
        overwrite: They may replace others; an input never.
        inputs: Files that are read.

    Raises:
        InputError: Naming the first file that is in the way, and how many more are; or a folder
            that cannot be made or written to.
    """
    outputs = list(outputs)
    for folder in dict.fromkeys(path.parent for path in outputs):
        _refuse_no_folder(folder)
    read = {_identity(path) for path in inputs} - {None}
    there = [path for path in outputs if path.exists() or path.is_symlink()]
    for path in there:
        if _identity(path) in read:
            raise InputError(f"{path}: is an input and would be replaced; give another output")
    if there and not overwrite:
        more = f" (and {len(there) - 1} more)" if len(there) > 1 else ""
        raise InputError(
            f"{there[0]}: is there already{more}; give another output, or --overwrite True"
        )


def _refuse_no_folder(folder: Path) -> None:
    """Before hours of work: what is there of a path is a folder that may be written to."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise InputError(f"{folder}: cannot be written: {there} is a file, expected a folder")
    if not os.access(there, os.W_OK):
        raise InputError(f"{folder}: cannot be written: {there} may not be written to")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def digest_of(path: str | Path) -> str:
    """SHA-256 of a file's content, in hexadecimal.

    Raises:
        InputError: If it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            while part := file.read(2**20):
                digest.update(part)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    return digest.hexdigest()


def read_text(path: str | Path) -> str:
    """Text of a UTF-8 file, without a byte-order mark.

    Raises:
        InputError: If there is no such file, it may not be read, or it is of another encoding.
    """
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text ({error.reason} at {error.start})") from error


def read_json(path: str | Path, kind: type[T]) -> T:
    """Content of a JSON file.

    Args:
        path: The file.
        kind: ``dict`` for an object, ``list`` for an array.

    Raises:
        InputError: If it cannot be read, is not JSON, or holds something else.
    """
    try:
        content = json.loads(read_text(path), object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not JSON: {error}") from error
    if not isinstance(content, kind):
        raise InputError(f"{path}: expected a JSON {_kind(kind)}, found {_kind(type(content))}")
    return content


def _kind(kind: type) -> str:
    return {"dict": "object", "list": "array"}.get(kind.__name__, kind.__name__)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a key that is there twice would lose its first value without a word."""
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key '{twice}' is there twice")
    return content


def write_json(path: Path, content: Any) -> None:
    """Write JSON, whole or not at all.

    Raises:
        InputError: If it cannot be written.
    """
    write_text(path, json.dumps(content, indent=1))


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all.

    Raises:
        InputError: If it cannot be written.
    """
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")  # the same bytes everywhere


def write_tensors(path: Path, content: Any) -> None:
    """Write tensors as PyTorch does, whole or not at all; the same content is the same bytes.

    Raises:
        InputError: If they cannot be written; what was there stays.
    """
    import torch

    buffer = io.BytesIO()  # to a file, its name would be in the archive, and a full disk no OSError
    torch.save(content, buffer)
    with replacing(path) as part:
        part.write_bytes(buffer.getbuffer())


def write_arrays(path: Path, **arrays: Any) -> None:
    """Write named arrays as ``.npz``, whole or not at all.

    Raises:
        InputError: If they cannot be written.
    """
    import numpy as np

    writing(path, lambda part: np.savez_compressed(part, allow_pickle=False, **arrays))


def writing(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file by a library whose errors are its own, whole or not at all.

    Args:
        path: The file.
        write: From the path to write to.

    Raises:
        InputError: If the library fails; what was there stays.
    """
    with replacing(path) as part:
        try:
            write(part)
        except (RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(_not_written(path, reason)) from error
