"""The gap coefficient, against the paper's own tables."""

from __future__ import annotations

import json

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.study.analyses import generalization_gap, write_analysis

PAPER = {
    # Dice on CANDI of tables 6 (volumes of PPMI) and 3 (X-rays), and the coefficient of both
    "scratch": (84.0, 65.0, 1.00),
    "denoising": (83.7, 67.7, 0.84),
    "models_genesis": (88.7, 88.1, 0.03),
    "byol": (89.7, 70.5, 1.01),
    "deep_cluster": (89.8, 60.0, 1.57),
    "densecl": (87.7, 76.8, 0.57),
    "gvsl": (89.1, 89.7, -0.03),
    "gemini": (90.0, 89.8, 0.01),
}


def _table(path, column, *, drop=(), data="candi"):
    rows = [f"{data},5,{name},{v[column] / 100}" for name, v in PAPER.items() if name not in drop]
    path.write_text("\n".join(["data,labels,method,dice", *rows]) + "\n")
    return path


def test_the_papers_coefficients_come_out_of_its_tables(tmp_path):
    found = generalization_gap(_table(tmp_path / "a.csv", 0), _table(tmp_path / "b.csv", 1))
    assert {row["method"]: round(row["gap"], 2) for row in found.rows} == {
        name: gap for name, (_, _, gap) in PAPER.items()
    }
    assert "byol: gap coefficient 1.01" in found.sentences


def test_a_method_that_is_in_one_table_alone_is_left_out(tmp_path):
    inter = _table(tmp_path / "b.csv", 1, drop=("byol", "gvsl"))
    found = generalization_gap(_table(tmp_path / "a.csv", 0, drop=("densecl",)), inter)
    assert {row["method"] for row in found.rows} == set(PAPER) - {"byol", "gvsl", "densecl"}


def test_three_files_are_written_and_none_is_overwritten(tmp_path):
    found = generalization_gap(_table(tmp_path / "a.csv", 0), _table(tmp_path / "b.csv", 1))
    files = write_analysis(found, tmp_path / "out")
    assert [path.name for path in files] == ["gap.csv", "gap.png", "gap.json"]
    assert files[0].read_text().startswith("method,inner,inter,gap\nscratch,0.84,0.65,1.0\n")
    assert files[1].read_bytes().startswith(b"\x89PNG")
    assert json.loads(files[2].read_text())["scratch_loses"] == pytest.approx(0.19)
    with pytest.raises(InputError, match=r"gap\.csv"):
        write_analysis(found, tmp_path / "out")
    write_analysis(found, tmp_path / "out", overwrite=True)


def test_what_cannot_be_compared_is_named(tmp_path):
    inner = _table(tmp_path / "a.csv", 0)
    with pytest.raises(InputError, match="scores as in"):
        generalization_gap(inner, inner)
    with pytest.raises(InputError, match=r"b\.csv: no row of 'scratch'"):
        generalization_gap(inner, _table(tmp_path / "b.csv", 1, drop=("scratch",)))
    alone = _table(tmp_path / "c.csv", 1, drop=set(PAPER) - {"scratch"})
    with pytest.raises(InputError, match="no method but scratch"):
        generalization_gap(inner, alone)
    two = tmp_path / "d.csv"
    two.write_text(inner.read_text() + "other,5,scratch,0.5\n")
    with pytest.raises(InputError, match="expected one data set and number of labels, found 2"):
        generalization_gap(two, inner)
