"""What frozen features know of labels, in a sentence."""

from __future__ import annotations

from gemini_monai.report.figures.wording import decimal, percent
from gemini_monai.report.page.sentences import Sentence, Strong, sentence
from gemini_monai.report.read.comparison import Comparison
from gemini_monai.report.read.run_contents import Series

NAMED = {"linear_1", "nearest", "effective_rank"}


def probe_sentences(comparison: Comparison) -> list[Sentence]:
    """One sentence per arm that was probed: now, and at its first probe."""
    probed = [(arm.name, arm.run.probe) for arm in comparison.arms if arm.run.probe is not None]
    return [_sentence(name, probe) for name, probe in probed if set(probe.columns) >= NAMED]


def _sentence(name: str, probe: Series) -> Sentence:
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
