"""The findings in a terminal, and distances where files have no voxel size."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from benchmarks.few_labels import table
from gemini_monai.base.errors import InputError
from gemini_monai.report import print_findings, write_report
from tests.report.parsed import read_page
from tests.report.synthetic_run import STRUCTURES, write_run


def test_the_terminal_says_what_the_page_says(
    run_2d: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = write_report([run_2d], output=tmp_path / "report.html")
    print_findings([run_2d], page=page)
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    text = " ".join(read_page(page).text.replace("\u202f", " ").split())
    assert lines[0].split() == ["Dice", "in", "%", "GEMINI", "supervised", "U-Net"]
    assert [line.split("  ")[0] for line in lines[1:6]] == [*STRUCTURES, "mean"]
    assert len({len(line) for line in lines[:6]}) == 1
    assert lines[6] in text
    assert any(line.startswith("Registration of 5 pairs") for line in lines)
    assert lines[-1] == f"Report: {page}"


def test_distances_are_in_pixels_without_a_voxel_size(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    assert "GEMINI (mm)" in read_page(write_report([run])).text
    for folder in (run, run / "supervised"):
        record = json.loads((folder / "run.json").read_text())
        record["settings"]["spacing"] = None
        (folder / "run.json").write_text(json.dumps(record))
    text = read_page(write_report([run])).text
    assert "GEMINI (pixels)" in text
    assert "(mm)" not in text


def test_the_table_of_several_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for draw in range(2):
        for method, error in (("supervised", 2.0), ("gemini", 0.5)):
            write_run(
                tmp_path / f"x_{method}_{draw}",
                method=method,
                error=error,
                seed=draw,
                supervised=False,
            )
    table(str(tmp_path), "x", draws=2, methods=("supervised", "gemini"))
    rows = [row.split("|") for row in capsys.readouterr().out.splitlines()]
    assert [row[1].strip() for row in rows[2:]] == ["supervised", "gemini"]
    assert rows[3][3].strip().startswith("+")
    assert len(rows[3][4].split(",")) == 2
    shutil.rmtree(tmp_path / "x_gemini_1")
    write_run(tmp_path / "x_gemini_1", cases=4, supervised=False)
    with pytest.raises(InputError, match="not tested on the same cases"):
        table(str(tmp_path), "x", draws=2, methods=("supervised", "gemini"))
