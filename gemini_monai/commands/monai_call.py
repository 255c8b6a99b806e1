"""One call of ``python -m monai.bundle run``: its words, a check of them, and the call."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gemini_monai.base.bundles import command_line_overrides
from gemini_monai.base.command_lines import command_line
from gemini_monai.base.presence import refuse_absent_configuration
from gemini_monai.base.system import become
from gemini_monai.commands.early import Place, refuse_early, refuse_values

NOTICE = "ignore:parsing config_file"
"""Of MONAI, that a configuration is a program: of those that came with the package, no news."""


@dataclass(frozen=True)
class Call:
    """What MONAI is asked to run.

    Args:
        name: Of the run, such as ``training``; ``None`` for the configuration's own.
        files: Configurations, later ones overlaying earlier ones.
        options: Overrides, as on a command line.
        overlays: A person's own, which come last; or names of those that lie beside the first file.
        places: What has to be there of what keys name, see ``refuse_early``.
        note: What is said before the command, if anything.
    """

    name: str | None
    files: Sequence[str | Path]
    options: Sequence[str]
    overlays: Sequence[str | Path] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    note: str = ""

    @property
    def layers(self) -> list[str | Path]:
        """Every configuration, later ones overlaying earlier ones."""
        beside = Path(self.files[0]).parent
        return [*self.files, *(_named(overlay, beside) for overlay in self.overlays)]

    @property
    def words(self) -> list[str]:
        """After ``python``."""
        paths = list(map(_short, self.layers))
        config = paths[0] if len(paths) == 1 else str(paths).replace(" ", "")
        start = ["-m", "monai.bundle", "run", *([self.name] if self.name else [])]
        return [*start, "--config_file", config, *self.options]

    def check(self) -> None:
        """Whether every file is there, every key one that is known, and every value in range.

        Raises:
            InputError: Naming the file or the key.
        """
        from gemini_monai.configuration import check_configuration

        check_configuration(list(map(str, self.layers)), **command_line_overrides(self.options))
        refuse_values(self.layers, self.options)

    def start(self) -> None:
        """Print note and command of MONAI, and become it; overlays are checked before.

        Raises:
            InputError: As ``refuse``.
        """
        self.refuse()
        if self.note:
            print(self.note)
        print(command_line(["python", *self.words]), flush=True)
        if not self.overlays:
            _filter_warnings(NOTICE)
        become(self.words)

    def refuse(self) -> None:
        """Stop at what is wrong for certain, before anything is run.

        Raises:
            InputError: As ``refuse_early`` and ``check``.
        """
        for file in self.layers:
            refuse_absent_configuration(file)
        refuse_early(self.layers, self.options, places=self.places)
        nested = any("#" in key or "::" in key for key in command_line_overrides(self.options))
        if self.overlays or nested:
            self.check()  # MONAI would end in a traceback where JSON is damaged or a key missing


def _filter_warnings(rule: str) -> None:
    """One more rule for the warnings of processes that this one starts, or becomes."""
    rules = [own for own in os.environ.get("PYTHONWARNINGS", "").split(",") if own]
    if rule not in rules:
        os.environ["PYTHONWARNINGS"] = ",".join([*rules, rule])


def _named(overlay: str | Path, beside: Path) -> str | Path:
    path = beside / f"{overlay}.json"
    is_name = Path(overlay).name == str(overlay) and not Path(overlay).is_file()
    return path if is_name and path.is_file() else overlay


def _short(file: str | Path) -> str:
    path = Path(file).absolute()
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
