"""What the page of starts has before its tables: the verdict, and what frozen features know."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from gemini_monai.report.figures.wording import UNDEFINED, sentence
from gemini_monai.report.page.elements import Lead, Note, Section, Table, table
from gemini_monai.report.read import summarize
from gemini_monai.study.benchmark.grid_results import GridResults
from gemini_monai.study.benchmark.start_verdict import gains, verdict

SHOWN = {"linear_1": 100.0, "nearest": 100.0, "effective_rank": 1.0}
"""Columns of a probe that every network has, and what they are multiplied by."""
HEADER = ("start", "linear probe, Dice %", "nearest feature, Dice %", "effective rank")


def start_sections(results: GridResults) -> Iterator[Section]:
    """Verdict and frozen probes of the suite ``starts``; nothing of any other.

    Args:
        results: What is known.
    """
    if results.spec.suite != "starts":
        return
    differences = tuple(Note(f"{gain}.") for gain in gains(results))
    lead = Lead(sentence(verdict(results)))
    yield Section("verdict", "Verdict", "Which weights to take", (lead, *differences))
    rows = probe_rows(results)
    if rows:
        yield Section("probes", "Frozen", "What frozen features know", (_probes(results, rows),))


def probe_rows(results: GridResults) -> list[dict[str, object]]:
    """What the frozen features of each start knew before its fine-tunings, a row a run.

    Args:
        results: What is known; runs without validation images have no probe.
    """
    rows: list[dict[str, object]] = []
    for run, contents in results.finished.items():
        if contents.probe is not None and contents.probe.iterations[0] == 0:
            first = {name: float(own[0]) for name, own in contents.probe.columns.items()}
            of_run = {"data": run.data, "labels": run.labels, "method": run.method}
            rows.append({**of_run, "draw": run.draw, **first})
    return rows


def _probes(results: GridResults, rows: Sequence[dict[str, object]]) -> Table:
    lines = []
    for arm in results.spec.arms:
        of_arm = [row for row in rows if row["method"] == arm]
        lines.append([arm, *(_cell(of_arm, name, scale) for name, scale in SHOWN.items())])
    caption = (
        "Dense features as they were before fine-tuning, fitted on the labeled images of each draw "
        "and scored on the validation images; mean over draws, ± the standard deviation between "
        "them. A probe tells whether something was learned; which start is better to fine-tune it "
        "does not tell."
    )
    return table(HEADER, lines, caption=caption)


def _cell(rows: Sequence[dict[str, object]], name: str, scale: float) -> str:
    values = [scale * float(str(row[name])) for row in rows if name in row]
    found = summarize(values)
    if math.isnan(found.mean):
        return UNDEFINED
    return f"{found.mean:.1f}" + (f" ± {found.std:.1f}" if found.count > 1 else "")
