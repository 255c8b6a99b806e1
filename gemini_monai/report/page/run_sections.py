"""The parts of the page about the run itself: how training went, and what it takes to repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gemini_monai.base.command_lines import pasted_command
from gemini_monai.report.figures.curves import (
    loss_curves,
    monitor_curves,
    probe_curves,
    validation_curves,
)
from gemini_monai.report.figures.wording import UNDEFINED, duration, moment
from gemini_monai.report.page.elements import (
    Block,
    Cell,
    ChartBlock,
    CommandLine,
    Heading,
    Note,
    Section,
    Table,
    arm_key,
    table,
)
from gemini_monai.report.read.comparison import Arm, Comparison
from gemini_monai.report.read.run_contents import RunContents
from gemini_monai.runs import whole_structures_told


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
    if probed := probe_curves(comparison.arms):
        text = (
            "Frozen features, fitted on the labeled and scored on the validation images, level 1 "
            "being the dense ones. Dotted: the network as it was initialized, or as it was when "
            "probing began."
        )
        blocks += [ChartBlock(probed), Note(text)]
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


def facts_table(comparison: Comparison) -> Table:
    """Where each arm came from, and what it cost."""
    facts = [_facts(arm) for arm in comparison.arms]
    rows = [[name, *(column[name] for column in facts)] for name in facts[0]]
    header = ["", *(arm.name for arm in comparison.arms)]
    return table(header, rows, caption="Seed, data, versions and cost.", kind="facts")


def commands(comparison: Comparison) -> list[Heading | CommandLine]:
    """The command of each arm that recorded one, under its name."""
    blocks: list[Heading | CommandLine] = []
    for arm in comparison.arms:
        if arm.run.details.get("command"):
            blocks += [Heading(f"Command of {arm.name}"), CommandLine(_command(arm))]
    return blocks


def _command(arm: Arm) -> str:
    return pasted_command(arm.run.details["command"])


def _facts(arm: Arm) -> dict[str, str]:
    details = arm.run.details
    peak, count = details.get("peak_memory_mib"), details.get("parameters")
    versions = details.get("versions")
    named = versions.items() if isinstance(versions, Mapping) else ()
    return {
        "method": arm.run.method,
        "folder": str(arm.run.folder),
        "started": moment(details.get("started")),
        "seed": str(details.get("seed", UNDEFINED)),
        "iterations": str(details.get("iterations", UNDEFINED)),
        "optimizer steps": str(details.get("optimizer_steps") or UNDEFINED),
        "steps left out": _skipped(details.get("skipped_steps", UNDEFINED)),
        "training time": duration(details.get("seconds")),
        "peak memory": f"{peak:,.0f} MiB" if isinstance(peak, (int, float)) else UNDEFINED,
        "device": _device(details),
        "parameters": f"{count:,}" if isinstance(count, int) else UNDEFINED,
        "data": str(arm.run.dataset.get("name") or UNDEFINED),
        "cases": ", ".join(f"{n} {split}" for split, n in _cases(arm.run)) or UNDEFINED,
        "post-processing": _whole(arm.run),
        "data hash": str(arm.run.dataset.get("hash") or UNDEFINED),
        "versions": ", ".join(f"{name} {value}" for name, value in named) or UNDEFINED,
    }


def _whole(run: RunContents) -> str:
    """Of which structures one component is kept and holes are closed: in what was scored, if any.

    A test may have been made without, by ``gemini evaluate``.
    """
    settings = run.details.get("settings")
    known = settings if isinstance(settings, Mapping) else {}
    return UNDEFINED if run.is_pretraining else whole_structures_told({**known, **run.tested})


def _skipped(counts: object) -> str:
    """How many steps of which objective were not finite."""
    if not isinstance(counts, Mapping):
        return str(counts)
    return ", ".join(f"{n} of {name}" for name, n in counts.items()) or "none"


def _device(details: Mapping[str, object]) -> str:
    threads = details.get("threads")
    device = str(details.get("device") or UNDEFINED)
    return f"{device}, {threads} threads" if threads is not None else device


def _cases(run: RunContents) -> list[tuple[str, object]]:
    """How many cases each split of the data has, where that was recorded."""
    cases = run.dataset.get("cases")
    return list(cases.items()) if isinstance(cases, Mapping) else []


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as dotted names, ``{"a": {"b": 1}}`` being ``{"a.b": "1"}``."""
    flat: dict[str, str] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat


def settings_table(comparison: Comparison) -> Table:
    """Every setting of every arm; where the arms differ, the row stands out."""
    columns = [flatten(arm.run.details.get("settings") or {}) for arm in comparison.arms]
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = []
    for name in names:
        values = [column.get(name, UNDEFINED) for column in columns]
        kind = "text differs" if len(set(values)) > 1 else "text"
        rows.append([Cell(name, "text"), *(Cell(value, kind) for value in values)])
    header = [Cell("setting", "text"), *(Cell(arm.name, "text") for arm in comparison.arms)]
    return table(header, rows, caption="Settings as the run resolved them.", kind="tall")
