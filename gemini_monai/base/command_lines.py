"""Command lines as people read and paste them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from gemini_monai.base.system import WINDOWS, windows_command_line

MONAI = ("python", "-m", "monai.bundle")
GEMINI = ("gemini",)
EARLY = "__main__.py"
"""What stood in the place of ``python -m monai.bundle`` in records of early versions."""


def command_line(words: Sequence[str]) -> str:
    """Words of a command for a shell; a list of names stands between double quotes.

    Args:
        words: The program's among them.
    """
    return windows_command_line(words) if WINDOWS else " ".join(map(_quoted, words))


def typed_command(arguments: Sequence[str]) -> str:
    """The command line of a process, by the program that people type.

    Args:
        arguments: Those of the process, as of ``sys.argv``.
    """
    program, *words = arguments
    path = Path(program)
    if path.name == EARLY:
        own = path.parent.name == "gemini_monai"
        return command_line([*(GEMINI if own else MONAI), *words])
    return command_line([path.name.removesuffix(".exe"), *words])


def pasted_command(recorded: str | Sequence[str]) -> str:
    """A command that a run recorded, of whatever version, on one line.

    Args:
        recorded: A command line, or its words.
    """
    try:
        words = shlex.split(recorded) if isinstance(recorded, str) else list(map(str, recorded))
    except ValueError:  # of a record that somebody wrote by hand
        return " ".join(str(recorded).split())
    if words[:1] == [EARLY]:
        words = [*MONAI, *words[1:]]
    return " ".join(command_line(words).split())


def _quoted(word: str) -> str:
    """Without a backslash or a quote of a quote, where that can be."""
    return f'"{word}"' if "'" in word and not set(word) & set('"$`\\!') else shlex.quote(word)
