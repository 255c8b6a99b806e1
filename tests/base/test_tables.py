"""Tables: what spreadsheets write is read; nothing written is run by them."""

from __future__ import annotations

import csv
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.base.errors import InputError
from gemini_monai.base.tables import FORMULA, number, read_table, write_table

ROWS = [{"case": "a", "patient": "P1"}, {"case": "b c", "patient": "P2"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_spreadsheets_table_is_read(tmp_path, encoding, delimiter, end):
    lines = [" case ; patient", "a;P1 ", "", " b c; P2"]
    text = end.join(lines).replace(";", delimiter) + end
    (tmp_path / "t.csv").write_text(text, encoding=encoding, newline="")
    assert read_table(tmp_path / "t.csv", required=("case", "patient")) == ROWS


@pytest.mark.parametrize("begin", FORMULA)
def test_no_cell_is_a_formula_and_all_come_back(tmp_path, begin):
    rows = [{"case": f"{begin}HYPERLINK(1)x", "dice": -0.5}]
    write_table(tmp_path / "t.csv", rows)
    with (tmp_path / "t.csv").open(newline="") as file:
        cells = list(csv.reader(file))[1]
    assert cells[0].startswith("'")
    assert cells[1] == "-0.5"  # a number stays one
    if begin.strip():  # spaces around a cell are not kept
        assert read_table(tmp_path / "t.csv")[0]["case"] == rows[0]["case"]


@pytest.mark.parametrize("begin", FORMULA)
def test_no_column_is_a_formula_and_all_come_back(tmp_path, begin):
    name = f"{begin}1+1"
    write_table(tmp_path / "t.csv", [{"iteration": 1, name: 0.5}])
    with (tmp_path / "t.csv").open(newline="") as file:
        columns = next(csv.reader(file))
    assert columns == ["iteration", f"'{name}"]
    if begin.strip():
        assert read_table(tmp_path / "t.csv", required=(name,)) == [{"iteration": "1", name: "0.5"}]


@pytest.mark.parametrize("text", ["'", "'a", "'=1", "''=1", "''''", "=", "'+", "a'=1", "-", "'＝1"])  # noqa: RUF001
def test_an_apostrophe_of_ones_own_comes_back_in_cells_and_columns(tmp_path, text):
    write_table(tmp_path / "t.csv", [{"n": 1, text: text}])
    assert read_table(tmp_path / "t.csv") == [{"n": "1", text: text}]


@pytest.mark.parametrize("name", ["a;b;c;d", "a\tb\tc\td", 'say "a;b;c;d"', "a\nb;c;d;e"])
def test_what_stands_between_cells_elsewhere_may_be_in_a_name(tmp_path, name):
    write_table(tmp_path / "t.csv", [{"n": 1, name: 2, "z": 3}])
    assert read_table(tmp_path / "t.csv", required=("n",)) == [{"n": "1", name: "2", "z": "3"}]


@given(st.lists(st.text(st.characters(codec="ascii", exclude_characters="\r\n\0"), max_size=8)))
def test_any_text_comes_back_without_its_outer_spaces(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    cells = [cell.strip() for cell in cells]
    write_table(
        path, [{"n": k, "cell": cell} for k, cell in enumerate(cells)], columns=("n", "cell")
    )
    assert [row["cell"] for row in read_table(path)] == cells


def test_nan_is_an_empty_cell_and_an_empty_cell_nan(tmp_path):
    write_table(tmp_path / "t.csv", [{"a": math.nan, "b": 1.5}])
    (row,) = read_table(tmp_path / "t.csv")
    assert row == {"a": "", "b": "1.5"}
    assert math.isnan(number(row, "a", where="t"))
    assert number(row, "b", where="t") == 1.5
    with pytest.raises(InputError, match="t, column 'x': expected a number, found 'y'"):
        number({"x": "y"}, "x", where="t")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("case\na\n", "column 'patient' is missing, found \\['case'\\]"),
        ("case,case,patient\n", "column 'case' is there twice"),
        ("case,patient\na,b,c\n", "line 2: 3 cells, expected 2"),
        ("", "column 'case' is missing"),
    ],
)
def test_a_table_of_the_wrong_kind_is_named(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=rf"t\.csv: {message}"):
        read_table(tmp_path / "t.csv", required=("case", "patient"))
