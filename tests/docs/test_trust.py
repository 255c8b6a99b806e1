"""The page on trust: its commands and code run as written on small data."""

from __future__ import annotations

import shutil

import pytest

from gemini_monai.base.tables import read_table
from tests.data.prepare.made import label, save
from tests.docs.conftest import DOCS
from tests.pages import Page


def test_from_no_label_to_trusted_masks(place):
    """Two rounds as on the page; hidden labels stand for a person's."""
    (place / "scans" / "labels").rename(place / "hidden")
    page = Page(DOCS / "how_to" / "loop.md")
    assert page.commands() == ["choose", "train", "propose", "again"]
    page.run("choose", place)
    chosen = {row["case"] for row in read_table(place / "chosen" / "labeled_from.csv")}
    (place / "scans" / "labels").mkdir()
    others = [f"case{k}" for k in range(9) if f"case{k}" not in chosen][:2]
    for case in (*chosen, *others):
        save(place / "scans" / "labels" / f"{case}.nii.gz", label((32, 32)))
    page.run("train", place)
    rows = read_table(place / "masks" / "quality.csv")
    page.run("propose", place)
    proposals = read_table(place / "proposed" / "proposals.csv")
    assert len(list((place / "proposed" / "labels").iterdir())) == len(proposals) == 2
    unlabeled = {row["case"] for row in rows} - {*chosen, *others}
    expected = {case: _mean_expected(rows, case) for case in unlabeled}
    for row in proposals:
        own = expected.pop(row["case"])
        assert float(row["expected_dice"]) == pytest.approx(own, abs=2e-4)
        assert all(own <= other + 2e-4 for other in expected.values())
    page.run("again", place)
    assert {row["case"] for row in read_table(place / "masks2" / "quality.csv")} == {
        f"case{k}" for k in range(9)
    }


def _mean_expected(rows, case):
    own = [float(row["expected_dice"]) for row in rows if row["case"] == case]
    return sum(own) / len(own)


def test_how_far_to_trust(own_run):
    place = own_run
    for path in (place / "scans" / "images").iterdir():
        if not (place / "scans" / "labels" / path.name).exists():
            shutil.copy(sorted((place / "scans" / "labels").iterdir())[0], place / "more.nii.gz")
            shutil.move(place / "more.nii.gz", place / "scans" / "labels" / path.name)
    page = Page(DOCS / "how_to" / "trust.md")
    assert "learned from" in page.run("learn", place)
    page.run("check", place)
    rows = read_table(place / "checked" / "quality.csv")
    assert {row["case"] for row in rows} == {
        path.name.removesuffix(".nii.gz") for path in (place / "scans" / "images").iterdir()
    }
    for row in rows:
        assert 0 <= float(row["lower"]) <= float(row["upper"]) <= 1
    assert "Look at these first" in (place / "checked" / "quality.html").read_text()
    (code,) = page.code()
    names = page.execute(code, place)
    assert 0 <= names["case"].expected <= 1
