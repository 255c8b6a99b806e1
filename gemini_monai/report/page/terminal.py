"""The end of a run in a terminal: the same findings as on the page, as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gemini_monai.report.figures.wording import percent_with_deviation
from gemini_monai.report.page.findings import finding_sentences
from gemini_monai.report.read.case_scores import per_case, per_structure
from gemini_monai.report.read.comparison import Comparison, compare
from gemini_monai.report.read.paired_statistics import summarize
from gemini_monai.report.read.recorded_means import recorded_scores
from gemini_monai.report.read.run_reading import read_run


def print_findings(runs: Sequence[Path], *, page: Path | None = None) -> None:
    """Print Dice per structure of every arm, and what the run found in sentences.

    Args:
        runs: Run folders, compared as ``write_report`` does.
        page: Where the whole page is, to name at the end.

    Raises:
        InputError: If a path is not a run folder.
    """
    comparison = compare([read_run(Path(run)) for run in runs])
    sentences = map(str, finding_sentences(comparison))
    said = [text.replace("\u202f", " ") for text in sentences]  # fonts may lack thin spaces
    lines = ["", *_table(comparison), "", *said]
    print("\n".join(lines + ([f"Report: {page}"] if page else [])), flush=True)


def _table(comparison: Comparison) -> list[str]:
    """Mean and standard deviation over test cases, in percent Dice."""
    arms = [arm for arm in comparison.arms if arm.run.scores]
    if not arms:
        first = comparison.first
        recorded = recorded_scores(first.run)
        own = [[name, percent_with_deviation(mean)] for name, mean in recorded.items()]
        return _aligned([["Dice in %", first.name], *own]) if own else []
    rows = [["Dice in %", *(arm.name for arm in arms)]]
    for name in arms[0].run.structures:
        values = [list(per_structure(arm.run, name).values()) for arm in arms]
        rows.append([name, *(percent_with_deviation(summarize(column)) for column in values)])
    means = [list(per_case(arm.run).values()) for arm in arms]
    rows.append(["mean", *(percent_with_deviation(summarize(column)) for column in means)])
    return _aligned(rows)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]
