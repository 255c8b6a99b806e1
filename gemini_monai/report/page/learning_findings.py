"""How fast a pre-trained network learns: when it passes the best of the one from scratch."""

from __future__ import annotations

import numpy as np

from gemini_monai.report.figures.wording import capital, percent
from gemini_monai.report.page.sentences import Sentence, Strong, sentence
from gemini_monai.report.read.comparison import Arm, Comparison

SCRATCH = "scratch"  # the method that finetune.json records with --pretrained none


def learning_sentences(comparison: Comparison) -> list[Sentence]:
    """For each other validated run, where it passes the best of scratch (figure 12 of the paper).

    Nothing when no run, or more than one, is from scratch.
    """
    validated = [arm for arm in comparison.arms if arm.run.validation is not None]
    scratch = [arm for arm in validated if arm.run.method == SCRATCH]
    if len(scratch) != 1:
        return []
    return [_passing(arm, scratch[0]) for arm in validated if arm is not scratch[0]]


def first_passing(arm: Arm, reference: Arm) -> int | None:
    """First validated iteration of ``arm`` whose mean Dice is at least the best of ``reference``.

    Args:
        arm: A validated run.
        reference: Another.

    Returns:
        The iteration, or ``None`` if there is none.
    """
    iterations, dice = _curve(arm)
    passed = iterations[dice >= _curve(reference)[1].max()]
    return int(passed[0]) if passed.size else None


def _passing(arm: Arm, reference: Arm) -> Sentence:
    iterations, dice = _curve(reference)
    best = int(dice.argmax())
    passed = first_passing(arm, reference)
    when = f"at iteration {passed}" if passed is not None else "at no iteration"
    text = (
        f"{capital(arm.name)} passes the best validation Dice of {reference.name} "
        f"({percent(dice[best])} at iteration {iterations[best]:.0f}) "
    )
    return sentence(text, Strong(when), ".")


def _curve(arm: Arm) -> tuple[np.ndarray, np.ndarray]:
    """Iterations and mean Dice, a score that is not defined counting as 0."""
    series = arm.run.validation
    assert series is not None
    return series.iterations, np.nan_to_num(series.columns["mean_dice"])
