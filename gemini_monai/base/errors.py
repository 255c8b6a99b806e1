"""The error that a user can cause, and what a command line says of any error: one line."""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType

from tqdm import tqdm

from gemini_monai.base.system import tolerate_any_text

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes after Ctrl-C and after SIGTERM, as shells have them."""


class InputError(ValueError):
    """Something given by the user is wrong: one line naming file or key, found and expected."""


class TerminatedError(KeyboardInterrupt):
    """SIGTERM, as a queue or a container sends it."""


def input_error_in(error: BaseException | None) -> InputError | None:
    """The ``InputError`` that an exception is or was raised from, if any."""
    return next((own for own in _chain(error) if isinstance(own, InputError)), None)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and all that it was raised from."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def one_line(error: BaseException) -> str:
    """What is wrong, in one line without a traceback.

    That of an ``InputError``; the file and reason of an error of the operating system; the key of a
    configuration whose component failed, and why; else the type and the message.
    """
    cause = input_error_in(error)
    if cause is not None:
        return _without_workers(str(cause))
    for own in _chain(error):
        if isinstance(own, OSError) and own.strerror:
            return f"{own.filename}: {own.strerror}" if own.filename else own.strerror
        if isinstance(own, MemoryError) or type(own).__name__ == "OutOfMemoryError":
            return f"out of memory: {_first(own)}; try a smaller spatial_size or fewer images"
    root = list(_chain(error))[-1]
    places = [_component(own) for own in _chain(error)]
    place = next((f"{name}: " for name in reversed(places) if name), "")
    return f"{place}{type(root).__name__}: {_first(root)}"


def _component(error: BaseException) -> str | None:
    """What MONAI was making of a configuration when it failed."""
    text = str(error)
    made = re.match(r"Failed to instantiate component '([^']+)'", text)
    if made:
        return made[1]
    evaluated = re.match(r"Failed to evaluate \w+: \s*[('\"]*(.{1,80})", text)
    return f"expression {evaluated[1].rstrip(chr(39))}" if evaluated else None


def _first(error: BaseException) -> str:
    lines = [line.strip() for line in _without_workers(str(error)).splitlines() if line.strip()]
    return lines[0][:300] if lines else "no message"


def _without_workers(text: str) -> str:
    """The message alone of an error that a process loading images passed on with a traceback."""
    if "Original Traceback" not in text:
        return text
    return re.sub(r"^[\w.]+: ", "", text.strip().splitlines()[-1])


def install_hook() -> None:
    """Show an uncaught exception as ``error: <one line>``, for commands that are not ours.

    The exit code is 1, 130 after Ctrl-C and 143 after SIGTERM, which stops a run as Ctrl-C does.
    The traceback of what nobody foresaw goes to a file that the line names. An interactive session
    stays.
    """
    sys.excepthook = _show
    tolerate_any_text()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminate)


def _terminate(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one ends at once
    raise TerminatedError


def _show(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None = None
) -> None:
    code = show_error(error)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if hasattr(sys, "ps1"):
        return
    # Threads may still be loading images; a library's destructor would abort on them.
    os._exit(code)


def show_error(error: BaseException) -> int:
    """Write what is wrong to stderr, on a line of its own, and return the exit code."""
    line, code = _last_line(error)
    for bar in list(getattr(tqdm, "_instances", ())):
        bar.leave = False
        bar.close()  # and off the line
    sys.stderr.write(f"{line}\n")
    return code


def _last_line(error: BaseException) -> tuple[str, int]:
    stop = next((own for own in _chain(error) if isinstance(own, KeyboardInterrupt)), None)
    if stop is not None:
        code = TERMINATED if isinstance(stop, TerminatedError) else INTERRUPTED
        return "error: stopped before the end", code
    foreseen = input_error_in(error) or any(isinstance(own, OSError) for own in _chain(error))
    return f"error: {escaped(one_line(error))}{'' if foreseen else _kept(error)}", 1


def escaped(text: str) -> str:
    """Text whose line breaks and control characters, as of a file's name, are written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _kept(error: BaseException) -> str:
    """Where the traceback is, to be sent to whoever can mend it."""
    path = Path(tempfile.gettempdir()) / f"gemini_monai_error_{os.getpid()}.txt"
    try:
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError:
        return ""
    return f" (traceback in {path})"
