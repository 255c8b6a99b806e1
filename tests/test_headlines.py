"""The picture of the results says what their tables say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.headlines import Headline, headlines, plot
from gemini_monai.base.errors import InputError

RESULTS = Path(__file__).parents[1] / "docs" / "results.md"
PAGE = """## First

| data | difference |
|---|---|
| hearts | **+3.6** (+1.9 to +5.3); draws +3.5, -1.9, +5.4 |
| `phantom` | -0.3; seeds -1.0, +0.4 |

## Second

| brains | about +3.6 |
| lungs | +0.4 (-0.1 to +0.9); seeds +0.6, -0.1, +0.7 |
"""


def test_rows_are_read_by_section():
    hearts = Headline("hearts", 3.6, (1.9, 5.3), (3.5, -1.9, 5.4))
    phantom = Headline("phantom", -0.3, None, (-1.0, 0.4))
    lungs = Headline("lungs", 0.4, (-0.1, 0.9), (0.6, -0.1, 0.7))
    assert headlines(PAGE) == {"First": [hearts, phantom], "Second": [lungs]}


def test_every_measured_row_of_the_results_is_drawn_and_is_the_mean_of_its_draws():
    text = RESULTS.read_text(encoding="utf-8")
    rows = [row for found in headlines(text).values() for row in found]
    assert len(rows) == len(re.findall(r"^\|.* ± .*$", text, re.M)) > 0
    _are_means(rows)


def test_every_system_of_the_one_protocol_is_drawn_but_the_baseline():
    text = (RESULTS.parent / "results" / "one_protocol.md").read_text(encoding="utf-8")
    for title, rows in headlines(text).items():
        section = text.split(f"## {title}\n")[1].split("\n## ")[0]
        assert len(rows) == len(re.findall(r"^\|.* ± .*$", section, re.M)) - 1 > 0
        _are_means(rows)


def _are_means(rows):
    for row in rows:
        assert row.mean == pytest.approx(sum(row.draws) / len(row.draws), abs=0.11), row
        low, high = row.interval or (row.mean, row.mean)
        assert low <= row.mean <= high


def test_a_picture_is_written(tmp_path):
    plot(str(RESULTS), str(tmp_path / "picture.png"))
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_a_page_without_rows_is_refused(tmp_path):
    (tmp_path / "page.md").write_text("## Nothing\n")
    with pytest.raises(InputError, match="no table row ends with a difference"):
        plot(str(tmp_path / "page.md"), str(tmp_path / "picture.png"))
