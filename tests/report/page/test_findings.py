"""What runs found, in sentences."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gemini_monai.base.tables import write_table
from gemini_monai.report import print_findings, write_report
from gemini_monai.report.figures.wording import Strong
from gemini_monai.report.page.findings import (
    first_passing,
    learning_sentences,
    probe_sentences,
    registration_sentences,
)
from gemini_monai.report.read.comparison import compare
from gemini_monai.report.read.run_contents import RunContents, Series
from gemini_monai.report.read.run_reading import read_run
from tests.report.parsed import read_page


def _validated_run(tmp_path, method, dice):
    series = Series(np.arange(1, len(dice) + 1) * 10.0, {"mean_dice": np.array(dice)})
    return RunContents(folder=tmp_path / method, details={"method": method}, validation=series)


SCRATCH = [0.2, 0.8, 0.7]


@pytest.mark.parametrize(
    ("dice", "expected"),
    [([0.5, 0.79, 0.81], 30), ([0.8, 0.1, 0.1], 10), ([0.7, np.nan, 0.79], None)],
)
def test_the_first_iteration_at_least_as_good_as_the_best_of_scratch(tmp_path, dice, expected):
    runs = [
        _validated_run(tmp_path, "fine-tuned", dice),
        _validated_run(tmp_path, "scratch", SCRATCH),
    ]
    comparison = compare(runs)
    assert first_passing(*comparison.arms) == expected
    (sentence,) = learning_sentences(comparison)
    when = f"at iteration {expected}" if expected else "at no iteration"
    assert Strong(when) in sentence.parts
    assert "80.0\u202f% at iteration 20" in str(sentence)


def test_nothing_is_said_without_one_run_from_scratch(tmp_path):
    tuned, scratch = (_validated_run(tmp_path, name, SCRATCH) for name in ("fine-tuned", "scratch"))
    assert learning_sentences(compare([tuned, tuned])) == []
    assert learning_sentences(compare([tuned, scratch, scratch])) == []
    assert learning_sentences(compare([tuned, replace(scratch, validation=None)])) == []


ROWS = [
    {"iteration": 0, "linear_1": 0.25, "linear_2": 0.5, "nearest": 0.2, "effective_rank": 9.0},
    {"iteration": 50, "linear_1": 0.3, "linear_2": 0.6, "nearest": 0.4, "effective_rank": 2.5},
    {"iteration": 100, "linear_1": 0.625, "linear_2": 0.7, "nearest": 0.5, "effective_rank": 4.0},
]


def _probed_run(folder, rows):
    folder.mkdir()
    (folder / "run.json").write_text('{"method": "GEMINI", "dataset": {"name": "mine"}}')
    write_table(folder / "monitor.csv", [{"iteration": 100, "collapse": 0.1}])
    write_table(folder / "probe.csv", rows)
    return folder


def test_the_last_row_is_said_beside_the_first(tmp_path, capsys):
    folder = _probed_run(tmp_path / "run", ROWS)
    print_findings([folder])
    said = "a linear classifier 62.5 % (25.0 % as initialized), the nearest feature 50.0 % (20.0 %)"
    assert f"{said}; effective rank 4.00 (9.00)." in capsys.readouterr().out
    page = write_report([folder]).read_text()
    assert "<strong>62.5\u202f%</strong> (25.0\u202f% as initialized)" in page
    for name in ("linear 1", "linear 2", "nearest", "effective rank", "Dotted: the network as it"):
        assert name in page


def test_a_probe_that_began_later_is_no_initialized_network(tmp_path, capsys):
    print_findings([_probed_run(tmp_path / "run", ROWS[1:])])
    printed = capsys.readouterr().out
    assert "a linear classifier 62.5 % (30.0 % at iteration 50), the nearest feature" in printed
    assert "as initialized" not in printed


def test_a_table_without_the_columns_is_drawn_and_not_said(tmp_path):
    folder = _probed_run(tmp_path / "run", [{"iteration": 0, "other": 1.0}])
    assert probe_sentences(compare([read_run(folder)])) == []
    assert (
        "What frozen features know over iterations of other" in write_report([folder]).read_text()
    )


def said(*runs: Path) -> list[str]:
    found = registration_sentences(compare([read_run(run) for run in runs]))
    return [str(sentence) for sentence in found]


def test_one_registration_needs_no_name(run_2d: Path) -> None:
    (sentence,) = said(run_2d)
    assert sentence.startswith("Registration of 5 pairs: Dice ")


def test_of_several_runs_each_is_named(run_2d: Path, run: Path) -> None:
    first, second = said(run_2d, run)
    assert first.startswith("Registration by run_2d of 5 pairs")
    assert second.startswith("Registration by run of 3 pairs")


def test_of_several_arms_of_one_run_each_is_named(
    compared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = said(compared)
    assert first.startswith("Registration by GEMINI of 3 pairs")
    assert second.startswith("Registration by GVSL of 3 pairs")
    page = read_page(write_report([compared]))
    print_findings([compared])
    printed = capsys.readouterr().out
    for name in ("GEMINI", "GVSL"):
        assert f"Registration by {name} of 3 pairs" in page.text
        assert f"Registration by {name} of 3 pairs" in printed
        assert name in page.headings


def test_nothing_registered_is_said(run: Path) -> None:
    (run / "test" / "registration.csv").unlink()
    assert said(run) == ["No pairs were registered in a test."]
