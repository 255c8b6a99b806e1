"""Numbers, times and counts as people read them, and sentences with emphasis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gemini_monai.report.read.paired_statistics import PairedDifference, Summary
from gemini_monai.report.read.run_contents import Score

MINUS = "\u2212"
UNDEFINED = "\u2013"
PERCENT = "\u202f%"
HATCHED = "hatched: ignored, not scored"


def percent(share: float) -> str:
    """A share (0 to 1) as ``93.4 %``, a dash where it is not defined."""
    return UNDEFINED if math.isnan(share) else f"{100 * share:.1f}{PERCENT}"


def decimal(value: float) -> str:
    """A number with two digits after the point, a dash where it is not defined."""
    return UNDEFINED if math.isnan(value) else f"{value:.2f}"


def signed_points(difference: float, *, between: tuple[float, float] | None = None) -> str:
    """A difference of shares (-1 to 1) in points, ``+1.4``, with a true minus.

    Args:
        difference: A share, or the mean of paired differences.
        between: What it is the difference of, where both stand beside it as ``percent`` shows them:
            it is then what a reader finds by subtracting them. Means over other cases than those
            that are paired are passed over.
    """
    if math.isnan(difference):
        return UNDEFINED
    points = round(100 * difference, 1)
    if between is not None and math.isclose(between[0] - between[1], difference, abs_tol=1e-9):
        points = round(100 * between[0], 1) - round(100 * between[1], 1)
    return f"{round(points, 1) + 0.0:+.1f}".replace("-", MINUS)  # no -0.0


def interval(difference: PairedDifference) -> str:
    """``+0.9 to +1.9`` in points of Dice, a dash with too few cases for one."""
    if math.isnan(difference.low):
        return UNDEFINED
    return f"{signed_points(difference.low)} to {signed_points(difference.high)}"


def percent_with_deviation(summary: Summary) -> str:
    """A summary of shares (0 to 1) as ``93.4 ± 2.1``, in percent; ``93.4`` without a deviation."""
    if math.isnan(summary.mean):
        return UNDEFINED
    deviation = "" if math.isnan(summary.std) else f" ± {100 * summary.std:.1f}"
    return f"{100 * summary.mean:.1f}{deviation}"


def decimal_with_deviation(summary: Summary) -> str:
    """A summary in the values' own unit as ``7.89 ± 1.02``."""
    deviation = "" if math.isnan(summary.std) else f" ± {decimal(summary.std)}"
    return decimal(summary.mean) + deviation


def probability(p_value: float) -> str:
    """``0.012``, or ``< 0.001``."""
    if math.isnan(p_value):
        return UNDEFINED
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def capital(text: str) -> str:
    """The text with a capital letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def plural(count: int, word: str) -> str:
    """``1 case``, ``2 cases``."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def duration(seconds: object) -> str:
    """``4 min 32 s``; a dash when it was not recorded."""
    if not isinstance(seconds, (int, float)) or not math.isfinite(seconds):
        return UNDEFINED
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def moment(started: object) -> str:
    """``23 November 2026, 20:14 UTC`` from ISO 8601; other text as it is."""
    try:
        when = datetime.fromisoformat(str(started))
    except ValueError:
        return str(started or UNDEFINED)
    return f"{when.day} {when:%B %Y, %H:%M} {when.tzname() or ''}".strip()


def missing_notes(scores: Sequence[Score]) -> list[str]:
    """Structures of a case that were missed or invented, in words."""
    missed = [score.structure for score in scores if score.missed]
    invented = [score.structure for score in scores if score.invented]
    notes = [f"{name} missed" for name in missed]
    return notes + [f"{name} predicted but absent" for name in invented]


@dataclass(frozen=True)
class Strong:
    """The part of a sentence that a hurried reader should see."""

    text: str


@dataclass(frozen=True)
class Sentence:
    """One or more sentences; their text is plain, whatever stands in it."""

    parts: tuple[str | Strong, ...] = ()

    def __str__(self) -> str:
        """The text without its emphasis."""
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    def __bool__(self) -> bool:
        """Whether there is any text."""
        return bool(str(self))


def sentence(*parts: str | Strong | Sentence) -> Sentence:
    """The parts one after the other, as they are."""
    plain: list[str | Strong] = []
    for part in parts:
        plain += part.parts if isinstance(part, Sentence) else (part,)
    return Sentence(tuple(plain))


def in_a_row(*sentences: Sentence) -> Sentence:
    """Sentences with a space between each two; those that are empty are left out."""
    row = Sentence()
    for each in sentences:
        row = sentence(row, " ", each) if row and each else sentence(row, each)
    return row
