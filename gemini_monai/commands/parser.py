"""The command line: words to functions, errors in one line, ``--help`` without a wait."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NoReturn

from gemini_monai import __version__
from gemini_monai.base.errors import InputError, show_error
from gemini_monai.base.shipped import first_page
from gemini_monai.commands import (
    analyses,
    benchmark,
    bundle,
    choosing,
    compare,
    completion,
    nnunet,
    preparation,
    results,
    sharing,
    trust,
)
from gemini_monai.commands.knob_help import knob_help

EPILOG = """\
A data set is prepared, a network trained, and used:
  gemini prepare folder SCANS DST --labeled 5
  gemini train semi DST --output_dir RUN
  gemini segment RUN IMAGES OUT
Each command of the first kind prints the 'python -m monai.bundle run ...' that it stands for.
"""


class Parser(argparse.ArgumentParser):
    """``argparse`` whose errors are ours, and whose help may end with the knobs of a configuration.

    Args:
        options: As for ``argparse.ArgumentParser``.
        knobs: Bundle and name of that configuration, which is read when the help is asked for;
            ``None`` for none.
    """

    def __init__(self, *, knobs: tuple[str, str] | None = None, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **options)
        self.knobs = knobs

    def error(self, message: str) -> NoReturn:
        """Stop with a line of ours.

        Raises:
            InputError: Always.
        """
        raise InputError(f"{message}; see {self.prog} --help")

    def format_help(self) -> str:
        """The help, with its last part."""
        return super().format_help() + (f"\n{knob_help(*self.knobs)}\n" if self.knobs else "")


def build_parser() -> Parser:
    """All commands."""
    parser = Parser(
        prog="gemini",
        description="Dense self-supervised learning from correspondence, for MONAI.",
        epilog=f"{EPILOG}Pages that explain: {first_page()}",
    )
    parser.add_argument("--version", action="version", version=f"gemini_monai {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    uses = (bundle, trust, preparation, choosing, results, sharing)
    for part in (*uses, compare, benchmark, nnunet, analyses, completion):
        part.add_commands(commands)
    return parser


def split_overrides(
    arguments: Sequence[str], *, known: Collection[str]
) -> tuple[list[str], list[str]]:
    """A command's own words, and those that are for the configuration.

    Args:
        arguments: After the command's name.
        known: Options of the command itself; any other ``--key`` takes the word after it along,
            and ``True`` where none follows. A word with a space in it is never a ``--key``, but the
            value of an option such as ``--pretraining '--epochs 20'``.
    """
    own: list[str] = []
    overrides: list[str] = []
    words = list(arguments)
    while words:
        word = words.pop(0)
        if not word.startswith("--") or " " in word or word.partition("=")[0] in known:
            own.append(word)
            continue
        overrides.append(word)
        if "=" not in word:
            follows = bool(words) and not words[0].startswith("--")
            overrides.append(words.pop(0) if follows else "True")
    return own, overrides


def run(arguments: Sequence[str]) -> None:
    """Run a command.

    Raises:
        InputError: If there is no such command or option, a value is empty, or what the command
            raises.
    """
    function, values = read(arguments)
    function(**values)


def read(arguments: Sequence[str]) -> tuple[Callable[..., None], dict[str, Any]]:
    """The function of a command, and what it is to be called with.

    Raises:
        InputError: If there is no such command or option.
    """
    parser = build_parser()
    overrides: list[str] = []
    command = _command_of(parser, arguments)
    if command is not None:
        known = {option for action in command._actions for option in action.option_strings}
        arguments, overrides = split_overrides(arguments, known=known)
    given, unknown = parser.parse_known_args(arguments)
    if unknown:
        raise InputError(f"unknown option {unknown[0]}{_hint(parser, arguments, unknown[0])}")
    values = vars(given)
    _refuse_blank(_innermost(parser, arguments), values)
    _refuse_blank_overrides(overrides)
    if command is not None:
        values["overrides"] = overrides
    return values.pop("function"), values


def _refuse_blank(command: argparse.ArgumentParser, values: Mapping[str, Any]) -> None:
    """No argument is empty: a path of an unset variable would be the working directory."""
    for action in command._actions:
        value = values.get(action.dest)
        words = value if isinstance(value, list) and action.type is None else [value]
        if value != action.default and any(map(_is_blank, words)):
            name = action.option_strings[0] if action.option_strings else action.metavar
            raise InputError(f"{name}: is empty; is a variable of the shell not set?")


def _refuse_blank_overrides(words: Sequence[str]) -> None:
    """The same of keys of the configuration, each with the word after it, or ``--key=value``."""
    for key, word in zip(["", *words], words, strict=False):
        name, equals, value = word.partition("=")
        if _is_blank(word) or (word.startswith("--") and equals and _is_blank(value)):
            name = key if _is_blank(word) else name
            raise InputError(f"{name}: is empty; is a variable of the shell not set?")


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def _hint(parser: Parser, arguments: Sequence[str], option: str) -> str:
    """The nearest option that there is."""
    command = _innermost(parser, arguments)
    known = [option for action in command._actions for option in action.option_strings]
    nearest = difflib.get_close_matches(option, known, n=1)
    also = f"did you mean {nearest[0]}? " if nearest else ""
    return f"; {also}see {command.prog} --help"


def _innermost(
    parser: argparse.ArgumentParser, arguments: Sequence[str]
) -> argparse.ArgumentParser:
    """The parser of the command that words name."""
    for word in arguments:
        choices = [a.choices for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
        if not choices or word.startswith("-"):
            break
        if word not in choices[0]:
            break
        parser = choices[0][word]
    return parser


def _command_of(
    parser: argparse.ArgumentParser, arguments: Sequence[str]
) -> argparse.ArgumentParser | None:
    """The parser of a command that takes keys of a configuration, if the words name one."""
    command = _innermost(parser, arguments)
    return command if command.epilog == bundle.OVERRIDES else None


def main() -> None:
    """Run the command of this process; an error is one line on stderr and an exit code not zero."""
    try:
        run(sys.argv[1:])
    except (Exception, KeyboardInterrupt) as error:
        sys.exit(show_error(error))
