"""What segmentation came to, in sentences that a newcomer understands."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gemini_monai.report.figures.wording import (
    Sentence,
    Strong,
    capital,
    in_a_row,
    interval,
    percent,
    plural,
    sentence,
    signed_points,
)
from gemini_monai.report.read.case_scores import MEAN_ROW, mean_dice, per_case
from gemini_monai.report.read.comparison import SUPERVISED, Arm, Comparison
from gemini_monai.report.read.paired_statistics import paired_difference
from gemini_monai.report.read.recorded_means import recorded_scores
from gemini_monai.report.read.run_contents import RunContents, Score
from gemini_monai.runs import too_little


def segmentation_sentences(comparison: Comparison) -> list[Sentence]:
    """Means, paired differences and missing structures, the most important first.

    Returns:
        At least one sentence; it says so when nothing was tested.
    """
    first = comparison.first
    if first.run.is_pretraining:
        text = (
            f"{capital(first.name)} pre-trained a backbone without labels; what it is worth shows "
            "in fine-tuning (finetune.json with --pretrained and this run's folder)."
        )
        return [sentence(text), *_expected(first.run)]
    if not first.run.scores:
        untested = sentence(f"{first.name} was not tested: there is no test/segmentation.csv.")
        return [_recorded(first) or untested]
    return [said for said in [*_compared(comparison), _missing(comparison)] if said]


def _recorded(arm: Arm) -> Sentence:
    """The mean of a test whose table of cases is not there; empty where neither is."""
    found = recorded_scores(arm.run).get(MEAN_ROW)
    if found is None:
        return Sentence()
    mean = Strong(percent(found.mean))
    text = f" with {arm.name}, as recorded; the table of the cases was not handed on."
    return sentence(f"Mean Dice on {plural(found.count, 'test subject')}: ", mean, text)


def _expected(run: RunContents) -> list[Sentence]:
    """What a pre-training of this size lets one expect, where its record has the size."""
    images = run.dataset.get("cases", {}).get("unlabeled")
    iterations = run.details.get("iterations")
    if not isinstance(images, int) or not isinstance(iterations, int):
        return []
    reason = too_little(images=images, iterations=iterations)
    return [sentence(f"{capital(reason)}.")] if reason is not None else []


def _compared(comparison: Comparison) -> list[Sentence]:
    """Means, and each paired difference with what it tells."""
    means = _means(comparison)
    found = [(_difference(*pair), _verdict(*pair)) for pair in comparison.differences]
    if comparison.several:
        return [means, *(in_a_row(*pair) for pair in found)]
    if not found:
        text = "No other arm was trained in this run, so there is nothing to compare with."
        return [means, sentence(text)]
    (difference, verdict), *others = found
    return [in_a_row(means, difference), verdict, *(in_a_row(*pair) for pair in others)]


def _means(comparison: Comparison) -> Sentence:
    first, *others = comparison.arms
    subjects = plural(len(per_case(first.run)), "test subject")
    text = ""
    for arm in others:
        if arm.run.scores:
            steps = "" if comparison.several else _steps(first.run, arm.run)
            text += f", {percent(mean_dice(arm.run))} with {_in_text(arm, article='a')}{steps}"
    mean = Strong(percent(mean_dice(first.run)))
    return sentence(f"Mean Dice on {subjects}: ", mean, f" with {first.name}{text}.")


def _in_text(arm: Arm, *, article: str = "the") -> str:
    """The name as it stands in a sentence: methods are names, the supervised U-Net is not."""
    return f"{article} {arm.name}" if arm.name == SUPERVISED else arm.name


def _steps(run: RunContents, supervised: RunContents) -> str:
    steps, supervised_steps = run.details.get("iterations"), supervised.details.get("iterations")
    if steps is not None and steps == supervised_steps:
        return " trained for as many segmentation steps"
    return (
        f" trained for {supervised_steps} steps against {steps}"
        if supervised_steps is not None
        else ""
    )


def _difference(arm: Arm, reference: Arm) -> Sentence:
    paired = paired_difference(per_case(arm.run), per_case(reference.run))
    names = f"{arm.name} minus {reference.name}"
    if paired is None:
        return sentence(f"{names}: no test case in common, so no paired difference.")
    certainty = f" (95\u202f% interval {interval(paired)})."
    if math.isnan(paired.low):
        certainty = f" in {plural(paired.count, 'case')}, too few for an interval."
    means = mean_dice(arm.run), mean_dice(reference.run)
    points = Strong(f"{signed_points(paired.mean, between=means)} points")
    return sentence(f"Paired difference, {names}: ", points, certainty)


def _verdict(arm: Arm, reference: Arm) -> Sentence:
    """What the interval says, and which cases it leaves out; empty where there is none."""
    scores, others = per_case(arm.run), per_case(reference.run)
    paired = paired_difference(scores, others)
    if paired is None or math.isnan(paired.low):
        return Sentence()
    left_out = len(set(scores) ^ set(others))
    rest = f" {plural(left_out, 'case')} tested in only one of the two left out." * bool(left_out)
    if not paired.clear:
        names = f"{_in_text(arm)} and {_in_text(reference)}"
        return sentence(f"The interval includes zero: these cases do not tell {names} apart.{rest}")
    better, worse = (arm, reference) if paired.mean > 0 else (reference, arm)
    wins = paired.higher if paired.mean > 0 else paired.lower
    return sentence(
        f"{capital(_in_text(better))} is ahead of {_in_text(worse)} in {wins} of "
        f"{paired.count} subjects, and the interval leaves zero out.{rest}"
    )


def _missing(comparison: Comparison) -> Sentence:
    """Structures that were missed or invented; always said, never averaged away."""
    parts = []
    for arm in comparison.arms:
        missed = [score for score in arm.run.scores if score.missed]
        invented = [score for score in arm.run.scores if score.invented]
        if missed:
            parts.append(f"{_in_text(arm)} misses {_places(missed)}")
        if invented:
            parts.append(f"{_in_text(arm)} predicts without any in the truth {_places(invented)}")
    if not parts:
        return Sentence()
    return sentence(f"Missing structures, counted as Dice 0: {'; '.join(parts)}.")


def _places(scores: Sequence[Score]) -> str:
    """The first few structures with their cases."""
    named = [f"{score.structure} in {score.case}" for score in scores[:3]]
    more = len(scores) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")
