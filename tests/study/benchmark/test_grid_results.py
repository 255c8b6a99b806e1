"""What runs of a grid come to, against the same numbers by hand."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
import statistics
from dataclasses import replace

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.study.benchmark import GridSpec, cells, failures, grid_runs, read_grid_results
from gemini_monai.study.benchmark.benchmark_page import _marked
from gemini_monai.study.benchmark.draws import DrawDifference
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
        draws=(0, 1),
        output=tmp_path / "out",
    )
    write_grid(grid_runs(found), failed=("cps", 1))
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


def test_rows_are_means_over_cases_and_draws_and_differences_by_case(spec):
    found = {row.method: row for row in rows(spec)}
    assert list(found) == ["supervised", "gemini", "cps"]
    runs = {
        (run.method, run.seed): _dice(run.folder) for run in grid_runs(spec) if run.folder.exists()
    }
    for method, row in found.items():
        seeds = [seed for own, seed in runs if own == method]
        expected = [statistics.mean(runs[method, seed].values()) for seed in seeds]
        assert list(row.dice.values()) == pytest.approx(expected)
    both = [
        statistics.mean(runs["gemini", s][c] - runs["supervised", s][c] for s in (0, 1))
        for c in runs["gemini", 0]
    ]
    assert found["gemini"].to_baseline.mean == pytest.approx(statistics.mean(both))
    assert found["supervised"].to_baseline is None
    assert found["gemini"].rank == pytest.approx((1.0, math.nan), nan_ok=True)
    assert found["gemini"].to_best.mean == found["gemini"].to_baseline.mean
    assert found["cps"].to_best is None  # a draw of it is missing, so it is not ranked
    assert math.isnan(found["cps"].rank[0])
    assert found["gemini"].cpu_minutes == pytest.approx(1.5)


def test_a_run_that_failed_is_said_with_its_last_words(spec):
    own = {row.method: row for row in rows(spec)}["cps"]
    assert failures(own) == ["cps, draw 1: error: no memory left"]
    assert "(1 of 2 draws)" in cells(own)[1]
    others = replace(spec, methods=("gemini", "byol"))
    byol = rows(others)[-1]
    assert cells(byol)[:2] == ["byol", "not run"]
    assert failures(byol) == ["byol, draws 0, 1: not run"]


def test_what_waits_in_vain_says_what_its_pretraining_said(spec):
    own = replace(spec, suite="pretraining", methods=("byol",))
    start = next(run for run in grid_runs(own) if not run.labels)
    (own.output / "logs" / f"{start.name}.txt").write_text("error: no such method\n")
    assert failures(rows(own)[-1]) == [
        "byol, draw 0: error: no such method",
        "byol, draw 1: not run",
    ]
    assert cells(rows(own)[-1])[:2] == ["byol", "failed"]


def test_a_case_without_any_structure_does_not_take_the_mean_along(spec):
    run = next(run for run in grid_runs(spec) if run.method == "gemini")
    table = run.folder / "test" / "segmentation.csv"
    lines = table.read_text().splitlines()
    first = [line.split(",") for line in lines[1:5]]
    empty = [",".join([*row[:2], "", "", "0", "0", *row[6:]]) for row in first]
    table.write_text("\n".join([lines[0], *empty, *lines[5:]]) + "\n")
    found = {row.method: row for row in rows(spec)}
    assert found["gemini"].dice[0] == pytest.approx(statistics.mean(_dice(run.folder).values()))
    baseline = next(own for own in grid_runs(spec) if own.method == "supervised")
    both = [_dice(baseline.folder)[case] for case in _dice(run.folder)]
    expected = statistics.mean(_dice(run.folder).values()) - statistics.mean(both)
    assert len(both) == 4
    assert found["gemini"].to_baseline.per_draw[0] == pytest.approx(expected)


def test_both_checkpoints_are_read_and_the_declared_one_is_in_the_table(spec):
    run = next(run for run in grid_runs(spec) if run.method == "gemini")
    table = (run.folder / "test" / "segmentation.csv").read_text().splitlines()
    (run.other_test / "test").mkdir(parents=True)
    worse = [table[0], *(re.sub(r"^([^,]+,[^,]+),[^,]+,", r"\1,0.25,", row) for row in table[1:])]
    (run.other_test / "test" / "segmentation.csv").write_text("\n".join(worse) + "\n")
    best, last = (
        {row.method: row for row in rows(replace(spec, checkpoint=name))}["gemini"]
        for name in ("best", "last")
    )
    assert best.dice[1] == last.dice[1]  # draw 1 has one checkpoint
    assert last.dice[0] == 0.25 < best.dice[0]
    assert best.by_checkpoint == last.by_checkpoint
    assert best.by_checkpoint["last"] == 0.25
    assert best.by_checkpoint["best"] == pytest.approx(statistics.mean(best.dice.values()))
    without = replace(spec, overrides=("--use_validation", "False"))
    assert all(run.also == "" for run in grid_runs(without))
    assert "No other label was read" in without.labels_read
    assert "Labels of 2 validation images were read" in spec.labels_read


def test_a_row_is_read_as_means_spreads_and_signed_points():
    nan = math.nan
    dice = {0: 0.8, 1: 0.9}
    few = DrawDifference({0: 0.1, 1: -0.02}, low=nan, high=nan, p_value=nan)
    row = ResultRow("d", 5, "cps", dice, few, None, nan, (1.5, 0.25), 1200.0, 3.0, {}, {})
    assert cells(row) == [
        *("cps", "85.0 ± 7.1", "+4.0 (+10.0, \u22122.0)", "", "", "1.5", "25", "1200", "3.0")
    ]
    many = replace(row, to_best=replace(few, low=-0.05, high=0.13), optimizer_steps=nan)
    assert cells(many)[3] == "+4.0 (\u22125.0 to +13.0)"
    assert cells(many)[7] == ""


@pytest.mark.parametrize(
    ("p", "low", "colored"), [(0.01, 0.01, True), (1.0, 0.01, False), (0.01, -0.01, False)]
)
def test_a_difference_is_that_of_the_means_beside_it_in_color_where_test_and_interval_agree(
    p, low, colored
):
    nan = math.nan
    rest = (nan, nan), nan, 3.0, {}, {}
    baseline = ResultRow("d", 5, "supervised", {0: 0.57551}, None, None, nan, *rest)
    apart = DrawDifference({0: 0.61249 - 0.57551}, low=low, high=0.05, p_value=p)
    row = ResultRow("d", 5, "cps", {0: 0.61249}, apart, apart, p, *rest)
    found = _marked(row, rows=[baseline, row], baseline="supervised")
    shown = [cell.text.split(" (")[0] for cell in found[1:4]]
    assert shown == ["61.2", "+3.6", "+3.6"]  # 57.6 beside it, and 3.698 between both
    assert [cell.kind for cell in found] == ["", "", "clear" if colored else "", *[""] * 6]


def test_a_test_patient_among_the_unlabeled_stops_a_benchmark(spec, tmp_path):
    copy = shutil.copytree(spec.data[0], tmp_path / "copy")
    content = json.loads((copy / "dataset.json").read_text())
    patient = content["test"][0].get("patient", content["test"][0]["case"])
    content["test"][0]["patient"] = patient
    content["unlabeled"][0]["patient"] = patient
    (copy / "dataset.json").write_text(json.dumps(content))
    leaking = replace(spec, data=(copy,))
    with pytest.raises(InputError, match=rf"patient '{patient}' is trained on and in 'test'"):
        leaking.cohort(copy)


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
