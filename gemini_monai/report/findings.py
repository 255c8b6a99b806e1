"""What a run found, in sentences that a newcomer understands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from gemini_monai.report.arms import SUPERVISED, Arm, Comparison
from gemini_monai.report.format import capital, interval, number, percent, plural, signed
from gemini_monai.report.read import Pair, Run, Score
from gemini_monai.report.scores import paired_difference, per_case, summarize


def segmentation_sentences(comparison: Comparison) -> list[str]:
    """What segmentation came to, as HTML sentences; says so when nothing was tested."""
    first = comparison.first
    if first.run.is_pretraining:
        name = escape(capital(first.name))
        return [
            f"{name} pre-trained a backbone without labels; what it is worth shows in fine-tuning "
            "(finetune.json with --pretrained and this run's folder)."
        ]
    if not first.run.scores:
        return [f"{escape(first.name)} was not tested: there is no test/segmentation.csv."]
    found = [(_difference(*pair), _verdict(*pair)) for pair in comparison.differences]
    if comparison.several:
        sentences = [_means(comparison), *(" ".join(pair) for pair in found)]
    elif found:
        sentences = [f"{_means(comparison)} {found[0][0]}", found[0][1]]
        sentences += [" ".join(pair) for pair in found[1:]]
    else:
        nothing = "No other arm was trained in this run, so there is nothing to compare with."
        sentences = [_means(comparison), nothing]
    return [text.strip() for text in [*sentences, _missing(comparison)] if text]


def _means(comparison: Comparison) -> str:
    first, *others = comparison.arms
    count = len(per_case(first.run))
    parts = [f"<strong>{percent(mean_dice(first.run))}</strong> with {escape(first.name)}"]
    for arm in others:
        if arm.run.scores:
            steps = "" if comparison.several else _steps(first.run, arm.run)
            parts.append(
                f"{percent(mean_dice(arm.run))} with {escape(_in_text(arm, article='a'))}{steps}"
            )
    return f"Mean Dice on {plural(count, 'test subject')}: {', '.join(parts)}."


def _in_text(arm: Arm, *, article: str = "the") -> str:
    """The name as it stands in a sentence: methods are names, the supervised U-Net is not."""
    return f"{article} {arm.name}" if arm.name == SUPERVISED else arm.name


def _steps(run: Run, supervised: Run) -> str:
    own, other = run.details.get("iterations"), supervised.details.get("iterations")
    if own is not None and own == other:
        return " trained for as many segmentation steps"
    return f" trained for {other} steps against {own}" if other is not None else ""


def _difference(arm: Arm, reference: Arm) -> str:
    found = paired_difference(per_case(arm.run), per_case(reference.run))
    names = f"{escape(arm.name)} minus {escape(reference.name)}"
    if found is None:
        return f"{names}: no test case in common, so no paired difference."
    text = f"Paired difference, {names}: <strong>{signed(100 * found.mean)} points</strong>"
    if math.isnan(found.low):
        return f"{text}, from one case, so without an interval."
    return f"{text} (95\u202f% interval {interval(found)})."


def _verdict(arm: Arm, reference: Arm) -> str:
    """What the interval says, and which cases it leaves out; empty where there is none."""
    scores, others = per_case(arm.run), per_case(reference.run)
    found = paired_difference(scores, others)
    if found is None or math.isnan(found.low):
        return ""
    left_out = len(set(scores) ^ set(others))
    rest = f" {plural(left_out, 'case')} tested in only one of the two left out." * bool(left_out)
    if not found.clear:
        names = f"{escape(_in_text(arm))} and {escape(_in_text(reference))}"
        return f"The interval includes zero: these cases do not tell {names} apart.{rest}"
    better, worse = (arm, reference) if found.mean > 0 else (reference, arm)
    wins = found.higher if found.mean > 0 else found.lower
    return (
        f"{escape(capital(_in_text(better)))} is ahead of {escape(_in_text(worse))} in {wins} of "
        f"{found.count} subjects, and the interval leaves zero out.{rest}"
    )


def _missing(comparison: Comparison) -> str:
    """Structures that were missed or invented; always said, never averaged away."""
    parts = []
    for arm in comparison.arms:
        missed = [score for score in arm.run.scores if score.missed]
        invented = [score for score in arm.run.scores if score.invented]
        if missed:
            parts.append(f"{_in_text(arm)} misses {_places(missed)}")
        if invented:
            parts.append(f"{_in_text(arm)} predicts without any in the truth {_places(invented)}")
    return escape(f"Missing structures, counted as Dice 0: {'; '.join(parts)}.") if parts else ""


def _places(scores: Sequence[Score]) -> str:
    """The first few structures with their cases."""
    named = [f"{score.structure} in {score.case}" for score in scores[:3]]
    more = len(scores) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def registration_sentences(comparison: Comparison) -> list[str]:
    """What registration came to, one sentence per run that registered pairs."""
    sentences = [
        _registration(arm.run.pairs, name=arm.name, several=comparison.several)
        for arm in comparison.arms
        if arm.run.pairs
    ]
    if sentences or comparison.first.run.is_pretraining:
        return sentences
    return ["No pairs were registered in a test."]


def _registration(pairs: tuple[Pair, ...], *, name: str, several: bool) -> str:
    before, after, folding, error_before, error_after = registration_means(pairs)
    title = f"Registration by {escape(name)}" if several else "Registration"
    text = (
        f"{title} of {plural(len(pairs), 'pair')}: Dice {percent(before)} before, "
        f"<strong>{percent(after)}</strong> after"
    )
    if not math.isnan(folding):
        text += f"; {number(folding)}\u202f% of voxels folded"
    if not math.isnan(error_after):
        text += (
            f"; distance to the true displacement {number(error_before)} voxels before, "
            f"<strong>{number(error_after)}</strong> after"
        )
    return text + "."


def registration_means(pairs: tuple[Pair, ...]) -> tuple[float, float, float, float, float]:
    """Means over pairs: Dice before, after, folding in percent, error in voxels before, after."""
    names = ("dice_before", "dice_after", "folding_percent", "error_before", "error_after")
    columns = [[float(getattr(pair, name)) for pair in pairs] for name in names]
    before, after, folding, first, last = (summarize(column).mean for column in columns)
    return before, after, folding, first, last


def mean_dice(run: Run) -> float:
    """Mean over cases of the mean over each case's structures, 0 to 1."""
    return summarize(list(per_case(run).values())).mean
