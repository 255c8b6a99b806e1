"""A run with several arms of its own: each difference says whose it is."""

from __future__ import annotations

from pathlib import Path

from gemini_monai.report import write_report
from gemini_monai.report.figures.colors import PAGE_COLORS, color_of
from gemini_monai.report.figures.strips import strip_plot
from gemini_monai.report.read.comparison import compare
from gemini_monai.report.read.run_reading import read_run
from tests.report.parsed import read_page


def test_columns_of_differences_are_named(compared: Path) -> None:
    page = read_page(write_report([compared]))
    names = ["GEMINI \u2212 supervised U-Net", "GEMINI \u2212 GVSL"]
    assert [name for name in page.table("Dice in percent")[0] if name in names] == names
    assert [name for name in page.table("Mean Dice per case")[0] if name in names] == names


def test_differences_have_the_color_of_the_arm_that_they_are_to(compared: Path) -> None:
    chart = strip_plot(compare([read_run(compared)]))
    assert chart is not None
    assert "Difference of GEMINI to each other arm" in chart.svg
    line = "stroke: {}; stroke-width: 2.4"
    drawn = [chart.svg.count(line.format(PAGE_COLORS[color_of(place)])) for place in range(3)]
    assert drawn == [0, 5, 5]  # four structures and their mean


def test_one_difference_needs_no_name(run_2d: Path, tmp_path: Path) -> None:
    page = read_page(write_report([run_2d], output=tmp_path / "page.html"))
    assert "difference" in page.table("Dice in percent")[0]
    assert "Difference to supervised U-Net" in page.text
