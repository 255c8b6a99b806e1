"""The page of a benchmark."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import gemini_monai
from gemini_monai.report.figures.overlays import overlay_rows
from gemini_monai.report.figures.wording import plural
from gemini_monai.report.page.elements import (
    Block,
    Cell,
    ChartBlock,
    CommandLine,
    Gallery,
    Note,
    Page,
    Section,
    structure_key,
    table,
)
from gemini_monai.report.read.comparison import Arm, Comparison
from gemini_monai.study.benchmark.chart_styles import ChartStyle, chart_styles
from gemini_monai.study.benchmark.drawings import cost_and_learning, dice_over_labels, differences
from gemini_monai.study.benchmark.draws import FEWEST
from gemini_monai.study.benchmark.grid_cells import grid_runs
from gemini_monai.study.benchmark.grid_data import data_name
from gemini_monai.study.benchmark.grid_results import GridResults
from gemini_monai.study.benchmark.leakage import leakage_sentences
from gemini_monai.study.benchmark.multiple_tests import LIMIT
from gemini_monai.study.benchmark.registration import (
    registration_by_system,
    registration_chart,
    registration_rows,
)
from gemini_monai.study.benchmark.result_rows import ResultRow
from gemini_monai.study.benchmark.result_table import HEADER, cells, failures
from gemini_monai.study.benchmark.small_tables import method_tables, tuning_table
from gemini_monai.study.benchmark.start_page import start_sections

COLUMNS = 6
"""Pictures beside each other."""


def benchmark_page(results: GridResults) -> Page:
    """Tables, charts, pictures, tuning and commands; a part that is not there yet is left out.

    Args:
        results: What is known.
    """
    spec = results.spec
    names = [data_name(folder) for folder in spec.tested]
    sections = list(start_sections(results))
    sections += [section for data in names for section in _of_data(results, data, names=names)]
    blocks = tuple(Note(sentence) for sentence in leakage_sentences(spec))
    sections.append(Section("data", "Data", "Was anything of the test trained on?", blocks))
    sections.append(_commands(results))
    return Page(
        title=f"Benchmark: {spec.suite.replace('_', ' ')}",
        meta=f"{plural(len(spec.arms), 'system')}, {plural(len(spec.draws), 'draw')} on "
        + ", ".join(names),
        sections=tuple(section for section in sections if section.blocks),
        version=gemini_monai.__version__,
    )


def _of_data(results: GridResults, data: str, *, names: Sequence[str]) -> Iterator[Section]:
    numbers, number = results.spec.labels, names.index(data)
    of = f" of {data}" if len(names) > 1 else ""
    for labels in numbers:
        name = f"{plural(labels, 'label')}{of}"
        blocks = tuple(_results(results, data, labels))
        yield Section(f"table-{number}-{labels}", name, name, blocks)
    rows = [row for row in results.rows if row.data == data]
    if len(numbers) > 1 and any(row.dice for row in rows):
        chart = ChartBlock(dice_over_labels(_styles(results), rows))
        yield Section(f"labels-{number}", f"Labels{of}", f"Dice over labels{of}", (chart,))
    name = f"Predictions{of}"
    yield Section(f"pictures-{number}", name, name, _pictures(results, data))
    trials = [trial for trial in results.trials if trial.run.data == data]
    if trials:
        title = f"Tuning on validation images{of}"
        yield Section(f"tuning-{number}", f"Tuning{of}", title, tuple(tuning_table(trials)))


def _results(results: GridResults, data: str, labels: int) -> Iterator[Block]:
    baseline, seeds = results.spec.baseline, results.seeds(data, labels)
    rows = sorted(results.table(data, labels), key=lambda row: _place(row, baseline))
    caption = (
        f"Mean over test cases and {plural(len(results.spec.draws), 'draw')} of the labeled "
        f"images, ± the standard deviation between draws. The baseline is {baseline}, the others "
        f"are in the order of their Dice. {_meaning(results)}"
    )
    yield table(
        HEADER, [_marked(row, rows=rows, baseline=baseline) for row in rows], caption=caption
    )
    yield from (Note(sentence) for row in rows for sentence in failures(row))
    if any(row.to_baseline for row in rows):
        yield ChartBlock(differences(_styles(results), rows, baseline=baseline))
    if seeds:
        yield ChartBlock(cost_and_learning(_styles(results), rows, seeds))
        yield from method_tables(results, data, labels)
    registered = registration_rows(results.finished)
    registered = [row for row in registered if (row.data, row.labels) == (data, labels)]
    if registered:
        yield ChartBlock(registration_chart(_styles(results), seeds))
        yield registration_by_system(registered)


def _meaning(results: GridResults) -> str:
    """What stands beside a difference, and what was read of labels."""
    spec = results.spec
    if len(spec.draws) < FEWEST:
        told = (
            f"Fewer than {FEWEST} draws are an anecdote: the difference of each stands in "
            "brackets, and there is neither an interval nor a test."
        )
    else:
        told = (
            "Differences are paired by case; 95 % intervals are over draws and patients, both "
            "resampled, and the best other is chosen again in each resample; p is Student's over "
            "draws, adjusted by Holm; in color where it is below 0.05 and the interval leaves zero "
            "out."
        )
    budget = f" Every arm has {spec.budget}." if spec.budget else ""
    return f"{told}{budget} {spec.labels_read}"


def _styles(results: GridResults) -> Mapping[str, ChartStyle]:
    spec = results.spec
    return chart_styles(spec.arms, results.rows, baseline=spec.baseline)


def _place(row: ResultRow, baseline: str) -> tuple[bool, float]:
    """Where a row stands: the baseline first, the best next, last what was not tested."""
    return row.method != baseline, -row.mean if row.dice else math.inf


def _marked(row: ResultRow, *, rows: Sequence[ResultRow], baseline: str) -> list[Cell | str]:
    """The row, in color where the adjusted test and the interval say that the baseline differs."""
    own = row.to_baseline
    differs = own is not None and row.p < LIMIT and (own.low > 0 or own.high < 0)
    clear = {"to baseline, points"} if differs else set()
    means = {other.method: other.mean for other in rows if other.dice}
    whole = [o.mean for o in rows if o.dice and not o.missing and o.method != row.method]
    texts = cells(row, baseline=means.get(baseline, math.nan), best=max(whole, default=math.nan))
    return [
        Cell(text, "clear" if name in clear else "")
        for name, text in zip(HEADER, texts, strict=True)
    ]


def _pictures(results: GridResults, data: str) -> tuple[Block, ...]:
    """The same cases for every system, at the first number of labels that has any; or nothing."""
    for labels in results.spec.labels:
        first = {arm: runs[0] for arm, runs in results.seeds(data, labels).items()}
        arms = tuple(Arm(run, arm, place) for place, (arm, run) in enumerate(first.items()))
        if arms:
            comparison = Comparison(arms=arms, differences=(), several=True)
            text = (
                f"{plural(labels, 'label')}, the first draw. Solid: prediction. Dashed in white: "
                f"truth. Cases are the worst, the median and the best of {arms[0].name}."
            )
            pictures = Gallery(tuple(overlay_rows(comparison)), columns=min(COLUMNS, 2 + len(arms)))
            return Note(text), structure_key(comparison), pictures
    return ()


def _commands(results: GridResults) -> Section:
    runs = dict.fromkeys([*(t.run for t in results.trials), *grid_runs(results.spec)])
    blocks = tuple(CommandLine(run.command) for run in runs)
    return Section("commands", "Commands", "Every run, to type by hand", blocks)
