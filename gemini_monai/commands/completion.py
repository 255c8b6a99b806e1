"""``completion SHELL``: a script by which a shell completes commands, options and knobs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from gemini_monai.commands.knob_help import knob_sentences

SHELLS = ("bash", "zsh", "tcsh")


def add_commands(commands: Any) -> None:
    """Add it."""
    text = "Print a script by which a shell completes commands, options, knobs and files."
    command = commands.add_parser("completion", help=text, description=text)
    command.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    command.set_defaults(function=completion)


def completion(shell: str) -> None:
    """``completion SHELL``."""
    import shtab

    from gemini_monai.commands.parser import build_parser

    parser = build_parser()
    for command in _commands(parser):
        _add_knobs(command)
        for action in command._actions:
            if action.nargs != 0 and action.choices is None:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    print(shtab.complete(parser, shell))


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and all below it."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _commands(command)


def _add_knobs(command: argparse.ArgumentParser) -> None:
    """Knobs as options, which the command itself takes without knowing them."""
    knobs = getattr(command, "knobs", None)
    known = {option for action in command._actions for option in action.option_strings}
    for name, said in (knob_sentences(*knobs) if knobs else {}).items():
        if f"--{name}" not in known:
            command.add_argument(f"--{name}", help=said.replace("%", "%%"))
