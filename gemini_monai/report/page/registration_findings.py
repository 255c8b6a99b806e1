"""What registration came to, in sentences that a newcomer understands."""

from __future__ import annotations

import math
from collections.abc import Mapping

from gemini_monai.report.figures.wording import decimal, percent, plural
from gemini_monai.report.page.sentences import Sentence, Strong, sentence
from gemini_monai.report.read.case_scores import registration_means
from gemini_monai.report.read.comparison import Comparison
from gemini_monai.report.read.run_contents import RunContents
from gemini_monai.runs import MATCHING, pairs_match


def registration_sentences(comparison: Comparison) -> list[Sentence]:
    """One sentence per arm that registered pairs; it says so when none did.

    Where more than one did, or several runs are compared, each sentence says whose it is.
    """
    arms = [arm for arm in comparison.arms if arm.run.pairs]
    if not arms and not comparison.first.run.is_pretraining:
        return [sentence("No pairs were registered in a test.")]
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
