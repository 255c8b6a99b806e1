"""The parts of the page about the run itself: how training went, and what it takes to repeat it."""

from __future__ import annotations

from gemini_monai.report.figures.curves import (
    loss_curves,
    monitor_curves,
    probe_curves,
    validation_curves,
)
from gemini_monai.report.page.elements import Block, ChartBlock, Note, Section
from gemini_monai.report.page.keys import arm_key
from gemini_monai.report.page.provenance import commands, facts_table, settings_table
from gemini_monai.report.read.comparison import Comparison


def training(comparison: Comparison) -> Section:
    """Curves of every term and of validation."""
    losses, validated = loss_curves(comparison.arms), validation_curves(comparison.arms)
    watched = monitor_curves(comparison.arms)
    blocks: list[Block] = [*arm_key(comparison)]
    blocks.append(ChartBlock(validated) if validated else Note(_unvalidated(comparison)))
    if losses:
        text = "Faint: as recorded. Bold: moving mean over a twenty-fifth of the run."
        blocks += [ChartBlock(losses), Note(text)]
    else:
        blocks.append(Note("No history.csv was left, so there are no loss curves."))
    blocks += [ChartBlock(watched)] if watched else []
    if known := probe_curves(comparison.arms):
        text = (
            "Frozen features, fitted on the labeled and scored on the validation images, level 1 "
            "being the dense ones. Dotted: the network as it was initialized, or as it was when "
            "probing began."
        )
        blocks += [ChartBlock(known), Note(text)]
    return Section("training", "Training", title="Training", blocks=tuple(blocks))


def _unvalidated(comparison: Comparison) -> str:
    """Why there is no validation curve; pre-training without labels never has one."""
    if comparison.first.run.is_pretraining:
        return "Pre-training has no labels to validate on."
    return "No validation cases were set aside, so there is no validation curve."


def provenance(comparison: Comparison) -> Section:
    """Facts, commands and settings of every arm."""
    return Section(
        "provenance",
        "How it was made",
        title="How it was made",
        blocks=(facts_table(comparison), *commands(comparison), settings_table(comparison)),
    )
