"""What a probe's table becomes on the page and in the terminal."""

from __future__ import annotations

from gemini_monai.base.tables import write_table
from gemini_monai.report import print_findings, write_report
from gemini_monai.report.page.probe_findings import probe_sentences
from gemini_monai.report.read.comparison import compare
from gemini_monai.report.read.run_reading import read_run

ROWS = [
    {"iteration": 0, "linear_1": 0.25, "linear_2": 0.5, "nearest": 0.2, "effective_rank": 9.0},
    {"iteration": 50, "linear_1": 0.3, "linear_2": 0.6, "nearest": 0.4, "effective_rank": 2.5},
    {"iteration": 100, "linear_1": 0.625, "linear_2": 0.7, "nearest": 0.5, "effective_rank": 4.0},
]


def _run(folder, rows):
    folder.mkdir()
    (folder / "run.json").write_text('{"method": "GEMINI", "dataset": {"name": "mine"}}')
    write_table(folder / "monitor.csv", [{"iteration": 100, "collapse": 0.1}])
    write_table(folder / "probe.csv", rows)
    return folder


def test_the_last_row_is_said_beside_the_first(tmp_path, capsys):
    folder = _run(tmp_path / "run", ROWS)
    print_findings([folder])
    said = "a linear classifier 62.5 % (25.0 % as initialized), the nearest feature 50.0 % (20.0 %)"
    assert f"{said}; effective rank 4.00 (9.00)." in capsys.readouterr().out
    page = write_report([folder]).read_text()
    assert "<strong>62.5\u202f%</strong> (25.0\u202f% as initialized)" in page
    for name in ("linear 1", "linear 2", "nearest", "effective rank", "Dotted: the network as it"):
        assert name in page


def test_a_probe_that_began_later_is_no_initialized_network(tmp_path, capsys):
    print_findings([_run(tmp_path / "run", ROWS[1:])])
    printed = capsys.readouterr().out
    assert "a linear classifier 62.5 % (30.0 % at iteration 50), the nearest feature" in printed
    assert "as initialized" not in printed


def test_a_table_without_the_columns_is_drawn_and_not_said(tmp_path):
    folder = _run(tmp_path / "run", [{"iteration": 0, "other": 1.0}])
    assert probe_sentences(compare([read_run(folder)])) == []
    assert (
        "What frozen features know over iterations of other" in write_report([folder]).read_text()
    )
