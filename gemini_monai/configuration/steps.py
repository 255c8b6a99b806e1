"""The steps of a run that its configuration lists, in ``initialize`` and ``training``."""

from __future__ import annotations

from pathlib import Path

from gemini_monai.configuration.overrides import refuse_unknown_overrides
from gemini_monai.errors import install_hook
from gemini_monai.files import read_json
from gemini_monai.report import print_findings, write_report


def start() -> None:
    """First of all: errors in one line, and no override of a key that is not there.

    Raises:
        InputError: Naming the override and the nearest key.
    """
    install_hook()
    refuse_unknown_overrides()


def show_scores(folder: str | Path) -> None:
    """Print mean Dice of a test, per structure, in percent.

    Args:
        folder: Where ``segmentation.json`` of the test is, ``test`` of a run.
    """
    scores = read_json(Path(folder) / "segmentation.json", dict)
    for name, own in scores["structures"].items():
        dice = own["dice"]
        shown = "no case" if not dice["n"] else f"{100 * dice['mean']:.1f} % of {dice['n']} cases"
        print(f"{name:<24}{shown}")
    mean = scores["mean_dice"]
    print(f"{'mean Dice':<24}{'no case' if mean is None else f'{100 * mean:.1f} %'}; {folder}")


def publish(folder: str | Path) -> None:
    """The page of a run and its arms, and their scores in the terminal."""
    page = write_report([Path(folder)])
    print_findings([Path(folder)], page=page)
