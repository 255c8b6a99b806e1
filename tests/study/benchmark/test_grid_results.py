"""What runs of a grid come to, against the same numbers by hand."""

from __future__ import annotations

import csv
import json
import shutil
import statistics
from dataclasses import replace

import pytest

from gemini_monai.study.benchmark import GridSpec, cells, failures, read_grid_results
from gemini_monai.study.benchmark.leakage import leakage_sentences
from gemini_monai.study.benchmark.result_rows import ResultRow
from tests.study.benchmark.synthetic_grid import write_grid


@pytest.fixture
def spec(tiny_phantom, tmp_path):
    """Three systems, two seeds, of which the third has one run that failed."""
    found = GridSpec(
        suite="few_labels",
        data=(tiny_phantom.parent,),
        methods=("gemini", "cps"),
        labels=(2,),
        seeds=(0, 1),
        output=tmp_path / "out",
    )
    write_grid(found.runs(), failed=("cps", 1))
    return found


def rows(spec):
    return read_grid_results(spec).rows


def _dice(folder):
    """Mean Dice of each case, by hand."""
    found = {}
    with (folder / "test" / "segmentation.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["dice"]:
                found.setdefault(row["case"], []).append(float(row["dice"]))
    return {case: statistics.mean(values) for case, values in found.items()}


def test_rows_are_means_over_cases_and_seeds_and_differences_by_case(spec):
    found = {row.method: row for row in rows(spec)}
    assert list(found) == ["supervised", "gemini", "cps"]
    runs = {(run.method, run.seed): _dice(run.folder) for run in spec.runs() if run.folder.exists()}
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


def test_a_run_that_failed_is_said_with_its_last_words(spec):
    own = {row.method: row for row in rows(spec)}["cps"]
    assert failures(own) == ["cps, seed 1: error: no memory left"]
    assert "(1 of 2 seeds)" in cells(own)[1]
    others = replace(spec, methods=("gemini", "byol"))
    byol = rows(others)[-1]
    assert cells(byol)[:2] == ["byol", "not run"]
    assert failures(byol) == ["byol, seeds 0, 1: not run"]


def test_what_waits_in_vain_says_what_its_pretraining_said(spec):
    own = replace(spec, suite="pretraining", methods=("byol",))
    start = next(run for run in own.runs() if not run.labels)
    (own.output / "logs" / f"{start.name}.txt").write_text("error: no such method\n")
    assert failures(rows(own)[-1]) == [
        "byol, seed 0: error: no such method",
        "byol, seed 1: not run",
    ]
    assert cells(rows(own)[-1])[:2] == ["byol", "failed"]


def test_a_case_without_any_structure_does_not_take_the_mean_along(spec):
    run = next(run for run in spec.runs() if run.method == "gemini")
    table = run.folder / "test" / "segmentation.csv"
    lines = table.read_text().splitlines()
    first = [line.split(",") for line in lines[1:5]]
    empty = [",".join([*row[:2], "", "", "0", "0", *row[6:]]) for row in first]
    table.write_text("\n".join([lines[0], *empty, *lines[5:]]) + "\n")
    found = {row.method: row for row in rows(spec)}
    assert found["gemini"].dice[0] == pytest.approx(statistics.mean(_dice(run.folder).values()))
    assert found["gemini"].to_baseline.count == len(_dice(run.folder)) == 4
    assert found["cps"].to_best is not None


def test_a_row_is_read_as_means_spreads_and_signed_points():
    row = ResultRow("d", 5, "cps", (0.8, 0.9), None, None, float("nan"), (1.5, 0.25), 3.0, {})
    assert cells(row) == ["cps", "85.0 ± 7.1", "", "", "", "1.5", "25", "3.0"]


def test_a_test_image_that_is_trained_on_is_found(spec, tmp_path):
    assert leakage_sentences(spec)[0].startswith(
        "phantom_2d: of 3 test images none and of their patients none"
    )
    copy = shutil.copytree(spec.data[0], tmp_path / "copy")
    content = json.loads((copy / "dataset.json").read_text())
    shutil.copy(copy / content["test"][0]["image"], copy / "images" / "renamed.nii.gz")
    content["test"] = content["test"][1:]
    content["unlabeled"].append({"case": "renamed", "image": "images/renamed.nii.gz"})
    (copy / "dataset.json").write_text(json.dumps(content))
    found = leakage_sentences(replace(spec, suite="pretraining", data=(copy, spec.data[0])))
    assert found[0].startswith("phantom_2d: of 3 test images 1 ")
