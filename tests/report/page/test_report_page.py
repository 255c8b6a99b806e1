"""The page: its numbers are those of the files, it stands alone, and it says what is missing."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from gemini_monai.report import write_report
from tests.report.parsed import Page, read_page
from tests.report.synthetic_run import STRUCTURES, write_run, write_table


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def dice_of(run: Path, structure: str) -> np.ndarray:
    rows = rows_of(run / "test" / "segmentation.csv")
    return 100 * np.array([float(row["dice"]) for row in rows if row["structure"] == structure])


@pytest.fixture(scope="module")
def page(run_2d: Path, tmp_path_factory: pytest.TempPathFactory) -> Page:
    output = tmp_path_factory.mktemp("page") / "report.html"
    return read_page(write_report([run_2d], output=output))


def test_headline_gives_both_means_and_the_paired_difference(page: Page, run_2d: Path) -> None:
    means = [
        np.mean([dice_of(run, structure) for structure in STRUCTURES], axis=0)
        for run in (run_2d, run_2d / "supervised")
    ]
    own, other = means[0].mean(), means[1].mean()
    assert f"Mean Dice on 5 test subjects: {own:.1f} % with GEMINI" in page.text
    assert f"{other:.1f} % with a supervised U-Net trained for as many" in page.text
    points = round(own, 1) - round(other, 1)
    assert f"GEMINI minus supervised U-Net: +{points:.1f} points" in page.text


def test_dice_table_is_that_of_the_file(page: Page, run_2d: Path) -> None:
    header, *rows = page.table("Dice in percent")
    assert header == ["structure", "GEMINI", "supervised U-Net", "difference", "95 % interval", "p"]
    for row, structure in zip(rows, STRUCTURES, strict=False):
        own, other = (dice_of(run, structure) for run in (run_2d, run_2d / "supervised"))
        assert row[0] == structure
        assert row[1] == f"{own.mean():.1f} ± {own.std(ddof=1):.1f}"
        points = round(own.mean(), 1) - round(other.mean(), 1)
        assert row[3].replace("\u2212", "-") == f"{points:+.1f}"
    assert rows[-1][0] == "mean over structures"


def test_distances_leave_out_missed_structures_and_count_them(page: Page, run_2d: Path) -> None:
    rows = {row[0]: row for row in page.table("Average surface distance")}
    found = [
        float(row["average_surface_distance"])
        for row in rows_of(run_2d / "test" / "segmentation.csv")
        if row["structure"] == "clavicles" and row["average_surface_distance"]
    ]
    expected = f"{np.mean(found):.2f} ± {np.std(found, ddof=1):.2f}"
    assert rows["clavicles"][1:3] == [expected, "4 of 5, 1 missed"]
    assert rows["heart"][2] == "5 of 5"
    assert "GEMINI misses clavicles in s001" in page.text


def test_surfaces_are_those_of_the_file(page: Page, run_2d: Path) -> None:
    header, *rows = page.table("NSD: normalized surface Dice")
    names = ["GEMINI", "supervised U-Net"]
    assert header[1:] == [f"{arm} NSD" for arm in names] + [f"{arm} HD95 (mm)" for arm in names]
    table = {row[0]: row[1:] for row in rows}
    found = [
        row
        for row in rows_of(run_2d / "test" / "segmentation.csv")
        if row["structure"] == "clavicles"
    ]
    near = 100 * np.array([float(row["normalized_surface_dice"]) for row in found])
    assert near.min() == 0  # which was missed
    assert table["clavicles"][0] == f"{near.mean():.1f} ± {near.std(ddof=1):.1f}"
    far = [float(row["hausdorff_distance_95"]) for row in found if row["hausdorff_distance_95"]]
    assert table["clavicles"][2] == f"{np.mean(far):.2f} ± {np.std(far, ddof=1):.2f}"
    assert "within 1.50 mm of the other" in page.text


def test_an_arm_of_an_earlier_version_has_dashes(run_2d: Path, tmp_path: Path) -> None:
    run = shutil.copytree(run_2d, tmp_path / "run")
    columns = {"surface_tolerance", "normalized_surface_dice", "hausdorff_distance_95"}

    def forget(folder: Path) -> None:
        path = folder / "test" / "segmentation.csv"
        rows = [{k: v for k, v in row.items() if k not in columns} for row in rows_of(path)]
        write_table(path, rows)

    forget(run / "supervised")
    _, *rows = read_page(write_report([run])).table("NSD: normalized surface Dice")
    assert {(row[2], row[4]) for row in rows} == {("\u2013", "\u2013")}
    assert "\u2013" not in {row[1] for row in rows}
    forget(run)
    page = read_page(write_report([run]))
    assert "NSD" not in page.text
    assert len(page.table("Average surface distance")) == 1 + len(STRUCTURES)


def test_calibration_is_shown_where_it_is_known(run_2d: Path, tmp_path: Path) -> None:
    run = shutil.copytree(run_2d, tmp_path / "run")
    path = run / "test" / "segmentation.csv"
    write_table(path, [row | {"calibration_error": 0.0123} for row in rows_of(path)])
    header, *rows = read_page(write_report([run])).table("NSD: normalized surface Dice")
    assert header[5:] == ["GEMINI calibration", "supervised U-Net calibration"]
    assert {tuple(row[5:]) for row in rows} == {("1.2 ± 0.0", "\u2013")}


def test_every_case_is_listed_worst_first(page: Page) -> None:
    _, *rows = page.table("Mean Dice per case")
    means = [float(row[1]) for row in rows]
    assert means == sorted(means)
    assert rows[0][0] == "s001"
    assert rows[0][-1] == "clavicles missed"
    assert {row[0] for row in rows} == {f"s{place:03d}" for place in range(5)}


def test_registration_is_that_of_the_file(page: Page, run_2d: Path) -> None:
    pairs = rows_of(run_2d / "test" / "registration.csv")
    mean = {
        name: np.mean([float(pair[name]) for pair in pairs]) for name in pairs[0] if "_" in name
    }
    before, after = 100 * mean["dice_before"], 100 * mean["dice_after"]
    assert f"Dice {before:.1f} % before, {after:.1f} % after" in page.text
    assert f"{mean['folding_percent']:.2f} % of voxels folded" in page.text
    assert f"{mean['error_before']:.2f} voxels before, {mean['error_after']:.2f} after" in page.text
    assert page.table("Mean ± standard deviation over the pairs")[1][5] == "0.21"
    _, *rows = page.table("Every registered pair")
    assert [row[0] for row in rows] == [
        pair["moving"] for pair in sorted(pairs, key=lambda pair: float(pair["dice_after"]))
    ]


def test_provenance_is_complete(page: Page) -> None:
    facts = {row[0]: row[1] for row in page.table("Seed, data")}
    assert facts["data hash"] == "9f2c" * 16
    assert facts["post-processing"] == "largest component of heart; holes closed in clavicles"
    assert facts["training time"] == "4 min 32 s"
    assert facts["peak memory"] == "1,432 MiB"
    assert facts["started"] == "23 November 2026, 20:14 UTC"
    assert "torch 2.13.0" in facts["versions"]
    assert "--config_file '<train.json>'" in page.text
    assert ["loss.semantic", "0.8", "0.8"] in page.table("Settings")


def test_page_stands_alone_and_is_small(page: Page, run_2d: Path, tmp_path: Path) -> None:
    path = write_report([run_2d], output=tmp_path / "report.html")
    assert path.stat().st_size < 3_000_000
    assert "<script" not in path.read_text()
    for _, name, value in page.attributes:
        if name in ("src", "href", "xlink:href"):
            assert value is not None
            assert value.startswith(("#", "data:"))


def test_every_picture_has_a_description(page: Page) -> None:
    svgs = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label")]
    roles = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "role")]
    assert len(svgs) == len(roles) == 36  # 3 charts, 3 cases of 4 panels, 3 pairs of 7
    assert all(svgs)


def test_anchors_of_the_navigation_exist(page: Page) -> None:
    identities = {value for _, name, value in page.attributes if name == "id"}
    links = [value for tag, name, value in page.attributes if (tag, name) == ("a", "href")]
    assert {f"#{identity}" for identity in identities} >= set(links)


def test_3d_run_shows_slices(run_3d: Path, tmp_path: Path) -> None:
    page = read_page(write_report([run_3d], output=tmp_path / "report.html"))
    assert "Worst case: s001 axial slice" in page.text
    assert "3-D, 60 iterations, seed 0" in page.text


def test_several_runs_are_compared_with_the_first(run_2d: Path, run: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "b", error=1.6, method="GVSL", supervised=False)
    path = write_report([run_2d, other], output=tmp_path / "both.html")
    page = read_page(path)
    _, first, second = page.table("Differences are against GEMINI")
    means = [np.mean([dice_of(each, s) for s in STRUCTURES], axis=0) for each in (run_2d, other)]
    assert first[:3] == ["GEMINI", "5", f"{means[0].mean():.1f}\u202f%"]
    points = round(means[1].mean(), 1) - round(means[0].mean(), 1)
    assert second[3].replace("\u2212", "-") == f"{points:+.1f}"
    assert "supervised U-Net" not in page.text


def test_runs_of_one_method_are_told_apart_by_folder(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "again")
    page = read_page(write_report([run, tmp_path / "again"]))
    assert "again minus run: +0.0 points" in page.text
    assert (tmp_path / "comparison.html").is_file()
