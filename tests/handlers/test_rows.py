"""Tables of a run that goes on: whole, or refused by name."""

from __future__ import annotations

import math

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.handlers.rows import rows_until, write_rows

ROWS = [{"iteration": k, "loss": 0.125 * k, "terms": 1e-3 * k} for k in range(1, 5)]


@pytest.fixture
def table(tmp_path):
    write_rows(tmp_path / "history.csv", ROWS)
    return tmp_path / "history.csv"


def test_a_whole_table_comes_back_up_to_where_the_run_goes_on(table):
    assert rows_until(table, 4, last=4, every=True) == ROWS
    assert rows_until(table, 2, last=2, every=True) == ROWS[:2]
    assert rows_until(table, 0, last=4, every=True) == []


def test_a_cut_anywhere_in_the_last_row_is_named(table):
    whole = table.read_bytes()
    start = whole.rstrip().rindex(b"\n") + 1
    for end in range(start, len(whole) - 1):  # the row is whole without its very last byte
        table.write_bytes(whole[:end])
        message = r"history\.csv: (ends at iteration 3|its last row was cut|line 5)"
        with pytest.raises(InputError, match=message):
            rows_until(table, 4, last=4, every=True)


@pytest.mark.parametrize("last", [None, 4])
def test_a_cut_is_named_in_tables_without_a_row_for_each_iteration(table, last):
    table.write_bytes(table.read_bytes()[:-4])
    with pytest.raises(InputError, match="its last row was cut, so the run cannot go on"):
        rows_until(table, 4, last=last)


@pytest.mark.parametrize(
    ("iterations", "every"),
    [
        ([1, 2, 4], True),
        ([2, 3, 4], True),
        ([1, 2, 2, 3, 4], True),
        ([2, 4, 3, 4], False),
        ([4, 4], False),
        ([-2, 4], False),
        ([math.nan, 4], False),
    ],
)
def test_rows_that_are_missing_twice_or_out_of_order_are_named(tmp_path, iterations, every):
    lines = [f"{k},1.0" for k in iterations]
    (tmp_path / "t.csv").write_text("\n".join(["iteration,loss", *lines, ""]))
    with pytest.raises(InputError, match=r"t\.csv: line \d is of iteration .*rows are missing"):
        rows_until(tmp_path / "t.csv", 4, last=4, every=every)


def test_a_row_of_the_beginning_and_gaps_are_fine_where_rows_are_rare(tmp_path):
    rows = [{"iteration": k, "nearest": 0.5} for k in (0, 4, 12)]
    write_rows(tmp_path / "probe.csv", rows)
    assert rows_until(tmp_path / "probe.csv", 12) == rows


def test_a_table_saved_by_a_spreadsheet_is_still_whole(table):
    table.write_text(table.read_text().replace("\r\n", "\n"))
    assert rows_until(table, 4, last=4, every=True) == ROWS
