"""Tables of a benchmark: as CSV, on the terminal, and as a page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import gemini_monai
from gemini_monai.benchmark.grid import Question
from gemini_monai.benchmark.leaks import leaks
from gemini_monai.benchmark.results import Row
from gemini_monai.files import write_text
from gemini_monai.report.figures.charts import Chart, blank, chart_of, drawing, tidy
from gemini_monai.report.figures.ink import color_of
from gemini_monai.report.page.elements import (
    Block,
    ChartBlock,
    CommandLine,
    Note,
    Page,
    Section,
    table,
)
from gemini_monai.report.page.rendering import render
from gemini_monai.report.read import PairedDifference

HEADER = (
    "method",
    "test Dice, %",
    "to baseline, points",
    "to best other, points",
    "p (Holm)",
    "mean rank",
    "first, %",
    "CPU min",
)


def write_results(question: Question, rows: Sequence[Row]) -> list[Path]:
    """Write ``results.csv`` and ``benchmark.html`` into the grid's folder.

    Args:
        question: What was compared.
        rows: What came out.

    Returns:
        The two files; written beside their places and renamed.
    """
    files = [question.output / "results.csv", question.output / "benchmark.html"]
    write_text(files[0], _csv(rows))
    write_text(files[1], render(_page(question, rows)))
    return files


def cells(row: Row) -> list[str]:
    """The row as texts, in the order of ``HEADER``."""
    if not row.dice:
        return [row.method, "failed", *[""] * (len(HEADER) - 2)]
    values = [100 * dice for dice in row.dice]
    mean = sum(values) / len(values)
    spread = (sum((v - mean) ** 2 for v in values) / max(1, len(values) - 1)) ** 0.5
    dice = f"{mean:.1f} ± {spread:.1f}" if len(values) > 1 else f"{mean:.1f}"
    dice += f" ({len(values)} of {len(values) + len(row.missing)} seeds)" if row.missing else ""
    rank, first = row.rank
    p = "" if row.p != row.p else f"{row.p:.2g}"
    differences = [_points(row.to_baseline), _points(row.to_best)]
    return [row.method, dice, *differences, p, f"{rank:.1f}", f"{100 * first:.0f}", _minutes(row)]


def failures(row: Row) -> list[str]:
    """Why runs of the row are not there, a sentence each."""
    return [f"{row.method}, seed {seed}: {said}" for seed, said in row.missing.items()]


def _points(found: PairedDifference | None) -> str:
    if found is None:
        return ""
    return f"{100 * found.mean:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def _minutes(row: Row) -> str:
    return f"{row.cpu_minutes:.1f}"


def _csv(rows: Sequence[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["data", "labels", *HEADER, "per seed"])
    for row in rows:
        each = " ".join(f"{100 * dice:.2f}" for dice in row.dice)
        writer.writerow([row.data, row.labels, *cells(row), each])
    return buffer.getvalue()


def _page(question: Question, rows: Sequence[Row]) -> Page:
    sections = list(_tables(question, rows))
    blocks = [Note(sentence) for sentence in leaks(question)]
    sections.append(Section("data", "Data", "Was anything of the test trained on?", tuple(blocks)))
    commands: list[Block] = [CommandLine(run.command) for run in question.runs()]
    sections.append(Section("commands", "Commands", "Every run, to type by hand", tuple(commands)))
    return Page(
        title=f"Benchmark: {question.suite.replace('_', ' ')}",
        meta=f"{len(question.arms)} systems, {len(question.seeds)} seeds",
        sections=tuple(sections),
        version=gemini_monai.__version__,
    )


def _tables(question: Question, rows: Sequence[Row]) -> Iterator[Section]:
    caption = (
        "Mean over test cases and seeds, ± the standard deviation between seeds, each of which "
        "draws its own labeled images. Differences are paired by case, with 95 % bootstrap "
        f"intervals over patients; the baseline is {question.baseline}."
    )
    for k, (data, labels) in enumerate(dict.fromkeys((row.data, row.labels) for row in rows)):
        own = [row for row in rows if (row.data, row.labels) == (data, labels)]
        blocks: list[Block] = [table(HEADER, [cells(row) for row in own], caption=caption)]
        blocks += [Note(sentence) for row in own for sentence in failures(row)]
        if any(row.dice for row in own):
            blocks.append(ChartBlock(_cost(own)))
        name = f"{data}, {labels} labels"
        yield Section(f"table{k}", name, name, tuple(blocks))


def _cost(rows: Sequence[Row]) -> Chart:
    """Dice over the CPU minutes that training took."""
    with drawing():
        figure = blank(14.6, 4.5)
        axes = figure.subplots()
        for k, row in enumerate(row for row in rows if row.dice):
            dice = 100 * sum(row.dice) / len(row.dice)
            axes.plot([row.cpu_minutes], [dice], "o", color=color_of(k))
            axes.annotate(
                row.method,
                (row.cpu_minutes, dice),
                textcoords="offset points",
                xytext=(6, 4),
            )
        axes.set_xlabel("CPU minutes of training, pre-training included")
        axes.set_ylabel("test Dice, %")
        tidy(axes)
        return chart_of(figure, alt="Test Dice of each method over its CPU minutes")
