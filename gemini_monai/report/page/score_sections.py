"""The parts of the page about scores: the findings, every structure, every case."""

from __future__ import annotations

import math

from gemini_monai.report.figures.strips import strip_plot
from gemini_monai.report.figures.wording import PERCENT, UNDEFINED, decimal, duration, percent
from gemini_monai.report.page.elements import (
    Block,
    ChartBlock,
    Findings,
    Lead,
    Note,
    Section,
    Tile,
    Tiles,
    arm_key,
)
from gemini_monai.report.page.findings import finding_sentences
from gemini_monai.report.page.recorded_tables import recorded_table
from gemini_monai.report.page.score_tables import (
    case_table,
    structure_table,
    summary_table,
    too_few,
)
from gemini_monai.report.page.surface_tables import distance_table, surface_table
from gemini_monai.report.read.case_scores import mean_dice, registration_means
from gemini_monai.report.read.comparison import Arm, Comparison
from gemini_monai.report.read.paired_statistics import RESAMPLES


def findings(comparison: Comparison) -> Section:
    """The findings in sentences, and the same numbers large or, for several runs, side by side."""
    first, *more = finding_sentences(comparison)
    numbers = summary_table(comparison) if comparison.several else _tiles(comparison.first)
    return Section(
        "findings", "Findings", title="", blocks=(Lead(first), Findings(tuple(more)), numbers)
    )


def _tiles(arm: Arm) -> Tiles:
    """Large numbers of one arm; those that are not known are left out."""
    means = registration_means(arm.run.pairs)
    folding = means.folding_percent
    tiles = (
        Tile("mean Dice", percent(mean_dice(arm.run))),
        _change("registration Dice", percent(means.dice_before), percent(means.dice_after)),
        Tile("voxels folded", UNDEFINED if math.isnan(folding) else decimal(folding) + PERCENT),
        _change("field error in voxels", decimal(means.error_before), decimal(means.error_after)),
        Tile("training time", duration(arm.run.details.get("seconds"))),
    )
    return Tiles(tuple(tile for tile in tiles if tile.text != UNDEFINED))


def _change(name: str, before: str, after: str) -> Tile:
    """From one number to the other, their common unit once."""
    return Tile(name, after, before=before.removesuffix(PERCENT))


def segmentation(comparison: Comparison) -> Section:
    """Dice and surfaces per structure."""
    plot = strip_plot(comparison)
    if plot is None:
        means = recorded_table(comparison) or Note("Nothing was segmented in a test.")
        return Section("segmentation", "Segmentation", title="Segmentation", blocks=(means,))
    blocks: list[Block] = [*arm_key(comparison), ChartBlock(plot), structure_table(comparison)]
    if comparison.differences and not too_few(comparison):
        explanation = (
            f"Intervals come from {RESAMPLES:,} resamples of the cases; p is Wilcoxon's "
            "signed-rank test, two-sided, not corrected for the number of structures."
        )
        blocks.append(Note(explanation))
    blocks.append(distance_table(comparison))
    surfaces = surface_table(comparison)
    return Section(
        "segmentation",
        "Segmentation",
        title="Segmentation, structure by structure",
        blocks=(*blocks, surfaces) if surfaces else tuple(blocks),
    )


def cases(comparison: Comparison) -> Section:
    """Every test case, worst first."""
    if not comparison.first.run.scores:
        nothing = Note("No test case.")
        return Section("cases", "Every case", title="Every case", blocks=(nothing,))
    blocks = (case_table(comparison),)
    return Section("cases", "Every case", title="Every case, worst first", blocks=blocks)
