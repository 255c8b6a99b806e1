"""What a page compares: runs with a name and a place, and which is measured against which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gemini_monai.report.read.run_contents import RunContents

SUPERVISED = "supervised U-Net"


@dataclass(frozen=True)
class Arm:
    """One run on the page, by the name that it has throughout; its place decides its color."""

    run: RunContents
    name: str
    place: int


@dataclass(frozen=True)
class Comparison:
    """Arms in the order of the page; differences are ``arm`` minus ``reference``.

    ``several`` is true for runs that were trained apart, false for one run and its own arms.
    """

    arms: tuple[Arm, ...]
    differences: tuple[tuple[Arm, Arm], ...]
    several: bool

    @property
    def first(self) -> Arm:
        """The arm that the page is about."""
        return self.arms[0]


def compare(runs: Sequence[RunContents]) -> Comparison:
    """One run against each of its own arms, or several runs against the first of them.

    Args:
        runs: At least one; the arms of several are left out.

    Returns:
        The comparison, its names being the shortest that tell the runs apart.
    """
    if len(runs) == 1:
        runs_of_one = [runs[0], *runs[0].arms]
        names = [SUPERVISED if n == "supervised" else n for n in _names(runs_of_one)]
        arms = tuple(Arm(run, names[place], place) for place, run in enumerate(runs_of_one))
        differences = tuple((arms[0], arm) for arm in arms[1:])
        return Comparison(arms=arms, differences=differences, several=False)
    names = _names(runs)
    arms = tuple(Arm(run, names[place], place) for place, run in enumerate(runs))
    return Comparison(
        arms=arms, differences=tuple((arm, arms[0]) for arm in arms[1:]), several=True
    )


def _names(runs: Sequence[RunContents]) -> list[str]:
    """The shortest names that tell the runs apart: method, folder, both, or the whole path."""
    methods = [run.method for run in runs]
    folders = [run.folder.resolve().name for run in runs]
    both = [f"{method}, {folder}" for method, folder in zip(methods, folders, strict=True)]
    for names in (methods, folders, both):
        if len(set(names)) == len(runs):
            return names
    return [str(run.folder) for run in runs]
