"""What runs of a grid come to, against the same numbers by hand."""

from __future__ import annotations

import csv
import json
import shutil
import statistics
from dataclasses import replace
from pathlib import Path

import pytest

from gemini_monai.benchmark import Question, cells, failures, rows, run_grid, write_results
from gemini_monai.benchmark import workflow as engine
from gemini_monai.benchmark.leaks import leaks
from gemini_monai.errors import InputError
from tests.report.synthetic_run import write_run

ERRORS = {"supervised": 1.5, "gemini": 0.5, "cps": 1.0}


@pytest.fixture
def question(tiny_phantom, tmp_path):
    """Three systems, two seeds, of which the third has one run that failed."""
    found = Question(
        suite="few_labels",
        data=(tiny_phantom.parent,),
        methods=("gemini", "cps"),
        labels=(2,),
        seeds=(0, 1),
        output=tmp_path / "out",
    )
    for run in found.runs():
        if (run.method, run.seed) == ("cps", 1):
            log = found.output / "logs" / f"{run.name}.txt"
            log.parent.mkdir()
            log.write_text("train:  3%\rtrain:  7%\nerror: no memory left\n\n")
            continue
        write_run(
            run.folder, method=run.method, error=ERRORS[run.method], seed=run.seed, supervised=False
        )
        record = run.folder / "run.json"
        content = json.loads(record.read_text()) | {"cpu_seconds": 60.0 * (run.seed + 1)}
        record.write_text(json.dumps(content))
        Path(run.done).write_text("page")
    return found


def _dice(folder):
    """Mean Dice of each case, by hand."""
    found = {}
    with (folder / "test" / "segmentation.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["dice"]:
                found.setdefault(row["case"], []).append(float(row["dice"]))
    return {case: statistics.mean(values) for case, values in found.items()}


def test_rows_are_means_over_cases_and_seeds_and_differences_by_case(question):
    found = {row.method: row for row in rows(question)}
    assert list(found) == ["supervised", "gemini", "cps"]
    runs = {
        (run.method, run.seed): _dice(run.folder) for run in question.runs() if run.folder.exists()
    }
    for method, row in found.items():
        seeds = [seed for own, seed in runs if own == method]
        expected = [statistics.mean(runs[method, seed].values()) for seed in seeds]
        assert row.dice == pytest.approx(expected)
    both = [
        statistics.mean(runs["gemini", s][c] - runs["supervised", s][c] for s in (0, 1))
        for c in runs["gemini", 0]
    ]
    assert found["gemini"].to_baseline.mean == pytest.approx(statistics.mean(both))
    assert found["supervised"].to_baseline is None
    assert found["gemini"].rank == (1.0, 1.0)
    assert found["gemini"].to_best.mean < found["gemini"].to_baseline.mean  # cps is between
    assert found["gemini"].cpu_minutes == pytest.approx(1.5)


def test_a_run_that_failed_is_said_with_its_last_words(question):
    own = {row.method: row for row in rows(question)}["cps"]
    assert failures(own) == ["cps, seed 1: error: no memory left"]
    assert "(1 of 2 seeds)" in cells(own)[1]
    others = replace(question, methods=("gemini", "byol"))
    byol = rows(others)[-1]
    assert cells(byol)[:2] == ["byol", "failed"]
    assert failures(byol) == ["byol, seed 0: not run", "byol, seed 1: not run"]


def test_the_files_hold_every_row_and_every_command(question):
    table, page = write_results(question, rows(question))
    with table.open(newline="") as file:
        content = list(csv.DictReader(file))
    assert [row["method"] for row in content] == ["supervised", "gemini", "cps"]
    assert all(len(row["per seed"].split()) in (1, 2) for row in content)
    text = page.read_text()
    assert "error: no memory left" in text
    assert all(
        run.command.split(" --output_dir")[0].replace("'", "&#39;") in text
        for run in question.runs()
    )
    assert "of 3 test images none" in text


def test_a_test_image_that_is_trained_on_is_found(question, tmp_path):
    assert leaks(question)[0].startswith(
        "phantom_2d: of 3 test images none and of their patients none"
    )
    copy = shutil.copytree(question.data[0], tmp_path / "copy")
    content = json.loads((copy / "dataset.json").read_text())
    shutil.copy(copy / content["test"][0]["image"], copy / "images" / "renamed.nii.gz")
    content["unlabeled"].append({"case": "renamed", "image": "images/renamed.nii.gz"})
    (copy / "dataset.json").write_text(json.dumps(content))
    found = leaks(replace(question, data=(copy,)))
    assert found[0].startswith("phantom_2d: of 3 test images 1 ")


def test_without_the_engine_one_line_says_how_to_have_it(question, monkeypatch):
    monkeypatch.setattr(engine.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'gemini_monai\[benchmark\]'"):
        run_grid(question)


def test_the_engine_gets_every_run_and_goes_on_after_one_that_fails(question, monkeypatch):
    asked = []

    def start(command, check):
        asked.append(command)
        return type("Done", (), {"returncode": 1})

    monkeypatch.setattr(engine.importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(engine.subprocess, "run", start)
    assert not run_grid(question, cores=2, more=["--dry-run"])
    assert {"--keep-going", "--rerun-incomplete", "--dry-run"} <= set(asked[0])
    grid = json.loads((question.output / "grid.json").read_text())
    assert [run["name"] for run in grid["runs"]] == [run.name for run in question.runs()]
    assert Path(asked[0][asked[0].index("--snakefile") + 1]).is_file()
