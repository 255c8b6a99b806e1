"""Tables and page of a grid, whole or half done."""

from __future__ import annotations

import csv
import math
import re
import statistics
from dataclasses import replace

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.report.read import per_structure, read_run
from gemini_monai.study.benchmark import (
    GridSpec,
    grid_runs,
    read_grid_results,
    refuse_foreign,
    write_results,
)
from gemini_monai.study.benchmark.registration import RegistrationRow, registration_by_system
from tests.report.synthetic_run import STRUCTURES
from tests.study.benchmark.synthetic_grid import write_grid


@pytest.fixture(scope="module")
def spec(tiny_phantom, tmp_path_factory):
    """Two systems, one with a failed run; two numbers of labels."""
    found = GridSpec(
        suite="few_labels",
        data=(tiny_phantom.parent,),
        methods=("cps",),
        labels=(1, 2),
        draws=(0, 1),
        output=tmp_path_factory.mktemp("grid"),
    )
    write_grid(grid_runs(found), failed=("cps", 1))
    return found


@pytest.fixture(scope="module")
def files(spec):
    return {path.name: path for path in write_results(read_grid_results(spec))}


def _read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_results_are_numbers_and_say_what_is_missing(files):
    rows = _read(files["results.csv"])
    keys = [(row["method"], row["labels"]) for row in rows]
    assert keys == [("supervised", "1"), ("cps", "1"), ("supervised", "2"), ("cps", "2")]
    for row in rows:
        values = [float(text) for text in row["dice_per_draw"].split()]
        assert len(values) == int(row["draws"]) == (1 if row["method"] == "cps" else 2)
        assert float(row["dice"]) == pytest.approx(statistics.mean(values), abs=1e-4)
    assert rows[0]["to_baseline"] == rows[0]["p_holm"] == rows[0]["missing"] == ""
    assert float(rows[1]["to_baseline"]) < 1
    assert rows[1]["to_baseline_low"] == rows[1]["p_holm"] == ""  # two draws are an anecdote
    assert rows[1]["missing"] == "cps, draw 1: error: no memory left"


def test_a_difference_is_of_the_seeds_that_both_have(files, spec):
    row = next(r for r in _read(files["results.csv"]) if (r["method"], r["labels"]) == ("cps", "1"))
    cases = _read(files["cases.csv"])
    means = {
        (method, seed): statistics.mean(
            float(r["dice"])
            for r in cases
            if (r["method"], r["seed"], r["labels"]) == (method, seed, "1") and r["dice"]
        )
        for method, seed in (("cps", "0"), ("supervised", "0"), ("supervised", "1"))
    }
    assert means["supervised", "0"] != means["supervised", "1"]
    expected = means["cps", "0"] - means["supervised", "0"]
    assert float(row["to_baseline"]) == pytest.approx(expected, abs=2e-4)


def test_every_case_of_every_run_is_as_the_run_has_it(files, spec):
    rows = _read(files["cases.csv"])
    done = [run for run in grid_runs(spec) if run.is_done]
    assert len(rows) == len(done) * 5 * len(STRUCTURES)
    for run in done:
        key = (run.data, str(run.labels), run.method, str(run.seed))
        own = [r for r in rows if (r["data"], r["labels"], r["method"], r["seed"]) == key]
        source = _read(run.folder / "test" / "segmentation.csv")
        for name in ("case", "structure", "dice", "average_surface_distance", "predicted_voxels"):
            assert [row[name] for row in own] == [row[name] for row in source]


def test_a_structure_is_the_mean_of_its_cases_then_of_its_seeds(files, spec):
    rows = _read(files["structures.csv"])
    assert len(rows) == 2 * 2 * len(STRUCTURES)
    row = next(r for r in rows if r["method"] == "supervised" and r["structure"] == "clavicles")
    runs = [r for r in grid_runs(spec) if r.method == "supervised" and r.labels == 1]
    means = [
        statistics.mean(s.dice for s in read_run(run.folder).scores if s.structure == "clavicles")
        for run in runs
    ]
    assert float(row["dice"]) == pytest.approx(statistics.mean(means))
    assert float(row["dice_std"]) == pytest.approx(statistics.stdev(means))
    assert (row["missed"], row["unit"]) == ("2", "mm")  # of case s001, in each of two seeds


def test_what_is_told_of_surfaces_is_the_mean_of_the_runs(files, spec):
    rows = _read(files["structures.csv"])
    names = {"hausdorff_distance_95": "hausdorff", "normalized_surface_dice": "surface_dice"}
    for row in rows[: len(STRUCTURES)]:
        runs = [r for r in grid_runs(spec) if r.method == row["method"] and r.labels == 1]
        for column, quantity in names.items():
            means = [
                per_structure(read_run(run.folder), row["structure"], quantity) for run in runs
            ]
            seeds = [statistics.mean(v for v in own.values() if v == v) for own in means]
            assert float(row[column]) == pytest.approx(statistics.mean(seeds))
    page = files["benchmark.html"].read_text()
    table = page.split("NSD, % per structure")[1].split("</table>")[0]
    best = max(float(r["normalized_surface_dice"]) for r in rows if r["labels"] == "1")
    assert f"{100 * best:.1f}" in table
    assert "HD95 per structure in mm" in page
    assert "How often a structure was missed" in page


def test_registration_is_the_mean_of_its_pairs_then_of_its_seeds(tiny_phantom, tmp_path):
    own = GridSpec(
        suite="few_labels",
        data=(tiny_phantom.parent,),
        methods=("gemini",),
        labels=(1,),
        draws=(0, 1),
        output=tmp_path,
    )
    write_grid(grid_runs(own))
    files = {path.name: path for path in write_results(read_grid_results(own))}
    (row,) = _read(files["registration.csv"])  # supervised training registers nothing
    pairs = [
        _read(run.folder / "test" / "registration.csv")
        for run in grid_runs(own)
        if run.method == "gemini"
    ]
    assert (row["method"], row["seeds"], row["pairs"]) == ("gemini", "2", str(len(pairs[0]) * 2))
    for name in ("dice_before", "dice_after", "folding_percent", "error_before", "error_after"):
        means = [statistics.mean(float(pair[name]) for pair in seed) for seed in pairs]
        assert float(row[name]) == pytest.approx(statistics.mean(means))
        if f"{name}_std" in row:
            assert float(row[f"{name}_std"]) == pytest.approx(statistics.stdev(means))
    shown = files["benchmark.html"].read_text().split("Registration of pairs of test images")[1]
    assert f"{100 * float(row['dice_after']):.1f} ± " in shown.split("</table>")[0]
    assert "error after, voxels" in shown


def test_errors_have_columns_where_the_data_tells_them():
    known = RegistrationRow("a", 5, "gemini", 1, 40, 0.5, 0.8, math.nan, 0.1, math.nan, 10.0, 4.0)
    unknown = replace(known, error_before=math.nan, error_after=math.nan)
    for row, columns in ((known, 6), (unknown, 4)):
        found = registration_by_system([row])
        assert len(found.header) == len(found.rows[0]) == columns
        assert ("true displacement" in found.caption) == (row is known)


def test_the_page_has_the_same_cases_of_every_system_charts_failures_and_commands(files, spec):
    text = files["benchmark.html"].read_text()
    assert text.count("cps, draw 1: error: no memory left") == 2
    titles = re.findall(r"<h3>(Worst|Median|Best) case: s\d+", text)
    assert titles == ["Worst", "Median", "Best"]
    panels = re.findall(r"<figcaption>(\w+)", text)
    assert panels == ["image", "truth", "supervised", "cps"] * 3
    assert text.count("--shared:url(data:image/png") == 3
    assert text.count("data:image/") == 3
    assert text.count('<svg class="chart"') == 7  # three a table, and Dice over labels
    for run in grid_runs(spec):
        assert run.command.replace("'", "&#39;") in text
    assert "of 3 test images none" in text


def test_the_page_has_the_baseline_first_then_the_best(spec, tmp_path):
    own = replace(spec, methods=("cps", "gemini"), labels=(1,), output=tmp_path)
    write_grid(grid_runs(own))
    *_, page = write_results(read_grid_results(own))
    first = page.read_text().split("</table>")[0]
    assert re.findall(r">(supervised|cps|gemini)<", first) == ["supervised", "gemini", "cps"]


def test_a_page_to_share_has_everything_but_images(spec):
    results = read_grid_results(spec)
    whole, shared = (
        {path.name: path for path in write_results(results, images=images)}[
            "benchmark.html"
        ].read_text()
        for images in (True, False)
    )
    assert "Images are left out of this page." in shared
    assert "data:image/" not in shared
    assert shared.count('<svg class="chart"') == whole.count('<svg class="chart"') == 7
    assert len(re.findall("<tr", shared)) == len(re.findall("<tr", whole)) > 10


def test_the_page_of_a_grid_that_has_hardly_begun(spec, tmp_path):
    begun = replace(spec, output=tmp_path)
    files = {path.name: path for path in write_results(read_grid_results(begun))}
    assert "tuning.csv" not in files
    text = files["benchmark.html"].read_text()
    found = re.findall(r'<section id="([\w-]+)"', text)
    assert found == ["table-0-1", "table-0-2", "data", "commands"]  # no picture and no chart yet
    assert '<svg class="chart"' not in text
    assert "supervised, draws 0, 1: not run" in text
    assert [row["draws"] for row in _read(files["results.csv"])] == ["0"] * 4
    assert _read(files["cases.csv"]) == _read(files["structures.csv"]) == []
    assert _read(files["registration.csv"]) == []


def test_a_table_of_somebody_else_is_not_replaced(tmp_path):
    (tmp_path / "cases.csv").write_text("mine")
    with pytest.raises(InputError, match=r"cases\.csv: is there and of no benchmark"):
        refuse_foreign(tmp_path)
    (tmp_path / "grid.json").write_text("{}")
    refuse_foreign(tmp_path)
