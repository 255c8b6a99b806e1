"""The error that a user can cause, and how a command line shows it."""

from __future__ import annotations

import os
import sys
from types import TracebackType


class InputError(ValueError):
    """Something given by the user is wrong: one line naming file or key, found and expected."""


def input_error_in(error: BaseException | None) -> InputError | None:
    """The ``InputError`` that an exception is or was raised from, if any."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, InputError):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


def install_hook() -> None:
    """Show an uncaught ``InputError`` as ``error: <message>`` without a traceback.

    For commands that are not ours, such as ``monai.bundle run``; the exit code is 1 and every other
    exception is shown as before. An interactive session stays.
    """
    previous = sys.excepthook

    def show(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        cause = input_error_in(error)
        if cause is None:
            previous(kind, error, traceback)
        else:
            sys.stderr.write(f"error: {cause}\n")
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            if not hasattr(sys, "ps1"):
                # Threads may still be loading images; a library's destructor would abort on them.
                os._exit(1)

    sys.excepthook = show
