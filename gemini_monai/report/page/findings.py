"""What runs came to, in sentences that a newcomer understands; for a page and a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from gemini_monai.report.figures.wording import (
    Sentence,
    Strong,
    capital,
    decimal,
    percent,
    plural,
    sentence,
)
from gemini_monai.report.page.segmentation_findings import segmentation_sentences
from gemini_monai.report.read.case_scores import registration_means
from gemini_monai.report.read.comparison import Arm, Comparison
from gemini_monai.report.read.recorded_means import recorded_registration
from gemini_monai.report.read.run_contents import RunContents, Series
from gemini_monai.runs import MATCHING, pairs_match

SCRATCH = "scratch"  # the method that finetune.json records with --pretrained none


def finding_sentences(comparison: Comparison) -> list[Sentence]:
    """All that is said of runs, the sentence that everybody reads first."""
    return [
        *segmentation_sentences(comparison),
        *learning_sentences(comparison),
        *probe_sentences(comparison),
        *registration_sentences(comparison),
    ]


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


PROBED = {"linear_1", "nearest", "effective_rank"}


def probe_sentences(comparison: Comparison) -> list[Sentence]:
    """One sentence per arm that was probed: now, and at its first probe."""
    probed = [(arm.name, arm.run.probe) for arm in comparison.arms if arm.run.probe is not None]
    return [_probed(name, probe) for name, probe in probed if set(probe.columns) >= PROBED]


def _probed(name: str, probe: Series) -> Sentence:
    first, last = {name: float(values[0]) for name, values in probe.columns.items()}, probe.last
    begun = int(probe.iterations[0])
    since = f"at iteration {begun:,}" if begun else "as initialized"
    return sentence(
        f"Frozen dense features of {name}, validation Dice: a linear classifier ",
        Strong(percent(last["linear_1"])),
        f" ({percent(first['linear_1'])} {since}), the nearest feature ",
        Strong(percent(last["nearest"])),
        f" ({percent(first['nearest'])}); effective rank {decimal(last['effective_rank'])} "
        f"({decimal(first['effective_rank'])}).",
    )


def registration_sentences(comparison: Comparison) -> list[Sentence]:
    """One sentence per arm that registered pairs; it says so when none did.

    Where more than one did, or several runs are compared, each sentence says whose it is.
    """
    arms = [arm for arm in comparison.arms if arm.run.pairs]
    if not arms and not comparison.first.run.is_pretraining:
        none = sentence("No pairs were registered in a test.")
        return [_recorded_registration(comparison.first.run) or none]
    named = comparison.several or len(arms) > 1
    registered = [
        _registration(arm.run, title=f"Registration by {arm.name}" if named else "Registration")
        for arm in arms
    ]
    return registered + [
        _unmatched(arm.name, last)
        for arm in comparison.arms
        if arm.run.monitor is not None and pairs_match(last := arm.run.monitor.last) is False
    ]


def _unmatched(name: str, last: Mapping[str, float]) -> Sentence:
    """The alarm of the log, where the page is read and the log is not."""
    before, after, displacement, error = (decimal(last[column]) for column in MATCHING)
    return sentence(
        Strong(f"The pairs of {name} do not match"),
        f": warping raises their similarity from {before} to {after}, and of fields {displacement} "
        f"voxels long there and back again misses by {error}. Agreement of features across such "
        "pairs may be no help: train longer, pair more similar images, or align them first.",
    )


def _recorded_registration(run: RunContents) -> Sentence:
    """Means of pairs whose table is not there; empty where neither is."""
    found = recorded_registration(run)
    if not found:
        return Sentence()
    before, after, folded = found.values()
    return sentence(
        f"Registration of {plural(after.count, 'pair')}: Dice {percent(before.mean)} before, ",
        Strong(percent(after.mean)),
        f" after; {decimal(folded.mean)}\u202f% of voxels folded, as recorded.",
    )


def _registration(run: RunContents, *, title: str) -> Sentence:
    means = registration_means(run.pairs)
    said = sentence(
        f"{title} of {plural(len(run.pairs), 'pair')}: Dice {percent(means.dice_before)} before, ",
        Strong(percent(means.dice_after)),
        " after",
    )
    if not math.isnan(means.folding_percent):
        said = sentence(said, f"; {decimal(means.folding_percent)}\u202f% of voxels folded")
    if not math.isnan(means.error_after):
        before = f"{decimal(means.error_before)} voxels before, "
        after = Strong(decimal(means.error_after))
        said = sentence(said, f"; distance to the true displacement {before}", after, " after")
    return sentence(said, ".")
