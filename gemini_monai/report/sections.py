"""The parts of the page, in the order in which they are read."""

from __future__ import annotations

import math

from gemini_monai.report.arms import Arm, Comparison
from gemini_monai.report.curves import loss_curves, monitor_curves, validation_curves
from gemini_monai.report.findings import (
    mean_dice,
    registration_means,
    registration_sentences,
    segmentation_sentences,
)
from gemini_monai.report.format import PERCENT, UNDEFINED, duration, number, percent
from gemini_monai.report.learning import learning_sentences
from gemini_monai.report.markup import arm_key, color_key, figure, note, picture_rows, section
from gemini_monai.report.overlays import overlay_rows, structure_color
from gemini_monai.report.strips import strip_plot
from gemini_monai.report.tables import (
    case_table,
    distance_table,
    structure_table,
    summary_table,
)


def headline(comparison: Comparison) -> str:
    """The findings in sentences, and the same numbers large or, for several runs, side by side."""
    first, *rest = segmentation_sentences(comparison)
    more = [*rest, *learning_sentences(comparison), *registration_sentences(comparison)]
    lines = "".join(f"<li>{text}</li>" for text in more)
    numbers = summary_table(comparison) if comparison.several else _tiles(comparison.first)
    return (
        f'<section id="findings" class="findings"><p class="lead">{first}</p>'
        f"<ul>{lines}</ul>{numbers}</section>"
    )


def _tiles(arm: Arm) -> str:
    """Large numbers of one arm; those that are not known are left out."""
    before, after, folding, error_before, error_after = registration_means(arm.run.pairs)
    entries = [
        ("mean Dice", percent(mean_dice(arm.run))),
        ("registration Dice", _arrow(percent(before), percent(after))),
        ("voxels folded", UNDEFINED if math.isnan(folding) else f"{number(folding)}\u202f%"),
        ("field error in voxels", _arrow(number(error_before), number(error_after))),
        ("training time", duration(arm.run.details.get("seconds"))),
    ]
    tiles = "".join(
        f"<div><dt>{name}</dt><dd>{text}</dd></div>" for name, text in entries if text != UNDEFINED
    )
    return f"<dl>{tiles}</dl>"


def _arrow(before: str, after: str) -> str:
    """From one number to the other, their common unit once."""
    if after == UNDEFINED:
        return UNDEFINED
    return f"{before.removesuffix(PERCENT)} <span>→</span> {after}"


def segmentation(comparison: Comparison) -> str:
    """Dice and distance per structure."""
    plot = strip_plot(comparison)
    if plot is None:
        return section("segmentation", "Segmentation", note("Nothing was segmented in a test."))
    explanation = (
        "Intervals come from 10,000 resamples of the cases; p is Wilcoxon's signed-rank test, "
        "two-sided, not corrected for the number of structures."
    )
    parts = [arm_key(comparison), figure(plot), structure_table(comparison)]
    parts += [note(explanation) if comparison.differences else "", distance_table(comparison)]
    return section("segmentation", "Segmentation, structure by structure", *parts)


def overlays(comparison: Comparison) -> str:
    """Predictions over images, worst first."""
    rows = overlay_rows(comparison)
    if not rows:
        return section("overlays", "Predictions", note("No test case, so no picture."))
    names = comparison.first.run.structures
    key = color_key([(name, structure_color(place)) for place, name in enumerate(names)])
    text = "Solid: prediction. Dashed in white: truth. Cases are ranked by mean Dice of "
    return section(
        "overlays",
        "Predictions, worst case first",
        note(f"{text}{comparison.first.name}."),
        key,
        picture_rows(rows, columns=max(3, 2 + len(comparison.arms))),
    )


def training(comparison: Comparison) -> str:
    """Curves of every term and of validation."""
    losses, validated = loss_curves(comparison.arms), validation_curves(comparison.arms)
    parts = [arm_key(comparison)]
    for svg, missing in (
        (validated, _unvalidated(comparison)),
        (losses, "No history.csv was left, so there are no loss curves."),
    ):
        parts.append(figure(svg) if svg else note(missing))
    text = "Faint: as recorded. Bold: moving mean over a twenty-fifth of the run."
    parts.append(note(text) if losses else "")
    watched = monitor_curves(comparison.arms)
    parts.append(figure(watched) if watched else "")
    return section("training", "Training", *parts)


def _unvalidated(comparison: Comparison) -> str:
    """Why there is no validation curve; pre-training without labels never has one."""
    if comparison.first.run.is_pretraining:
        return "Pre-training has no labels to validate on."
    return "No validation cases were set aside, so there is no validation curve."


def cases(comparison: Comparison) -> str:
    """Every test case, worst first."""
    if not comparison.first.run.scores:
        return section("cases", "Every case", note("No test case."))
    return section("cases", "Every case, worst first", case_table(comparison))
