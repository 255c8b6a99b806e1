"""The first pages: their commands run as written on small data."""

from __future__ import annotations

import json
import re

import pytest

from gemini_monai.base.tables import read_table
from tests.data.prepare.made import label, save
from tests.docs.conftest import DOCS, prepared
from tests.pages import Page
from tests.report.synthetic_run import write_run


def test_the_tutorial(place):
    (place / "scans").rename(place / "unused")
    page = Page(DOCS / "tutorial.md")
    commands = ["scans", "prepare", "train", "report", "segment", "register", "evaluate"]
    assert page.commands() == commands
    printed = {name: page.run(name, place) for name in commands}
    shown = page.text.split("```text\n")[1].split("```")[0]
    assert shown in printed["prepare"]
    runs = place / "runs"
    for left in ("first/report.html", "both.html", "scores/test/segmentation.csv"):
        assert (runs / left).is_file(), left
    assert len(list((runs / "labels").glob("*.nii.gz"))) == 85
    names = {path.name for path in (runs / "fields").iterdir()}
    assert {"registration.csv", "subject_000_to_subject_001_field.nii.gz"} < names
    assert len(names) == 4  # the warped label too


def test_choosing_what_to_label(place):
    page = Page(DOCS / "how_to" / "choose.md")
    labels = place / "scans" / "labels"
    labels.rename(place / "drawn")
    page.run("first", place)
    written = set(re.findall(r"^\| `(\w+\.\w+)` \|", page.text, re.M))
    assert {path.name for path in (place / "data/chosen").iterdir()} == written
    choice = page.execute(page.code()[0], place)["choice"]
    assert (place / "data/chosen/labeled_from.csv").read_text().split()[1:] == choice.cases
    for case in choice.cases:
        save(labels / f"{case}.nii.gz", label((32, 32)))
    page.run("again", place)
    assert (place / "runs/chosen/models/model.pt").is_file()
    page.run("next", place)
    both = (place / "round2/labeled_from.csv").read_text().split()[1:]
    assert both[:5] == choice.cases
    assert len(set(both)) == 7


def test_registering_well(place):
    prepared(place)
    page = Page(DOCS / "how_to" / "registration.md").write_files(place)
    assert page.commands() == ["train", "register"]
    told = [page.run(name, place) for name in page.commands()][-1]
    assert "landmarks are" in told
    written = set(re.findall(r"^\| `(\S+)` \|", page.text, re.M))
    assert {path.name for path in (place / "fields").iterdir()} == written


def test_carrying_landmarks(place):
    prepared(place)
    page = Page(DOCS / "how_to" / "landmarks.md").write_files(place)
    assert page.commands() == ["train", "landmark"]
    told = [page.run(name, place) for name in page.commands()][-1]
    assert "18 points in 9 scans" in told
    written = {path.name for path in (place / "landmarks").iterdir()}
    assert written == {"landmarks.csv", *(f"case{k}_landmarks.mrk.json" for k in range(9))}
    (code,) = page.code()
    rows = {(r["case"], r["name"]): r for r in read_table(place / "landmarks" / "landmarks.csv")}
    for name, point in page.execute(code, place)["points"].items():
        row = rows["case1", name]
        assert [float(row["x"]), float(row["y"])] == pytest.approx(point.position.tolist())
        assert float(row["consistency_mm"]) == pytest.approx(point.consistency)


def test_two_rounds(place):
    for k in (4, 5):
        (place / "scans" / "labels" / f"case{k}.nii.gz").unlink()
    page = Page(DOCS / "how_to" / "rounds.md")
    assert page.commands() == ["first", "second"]
    assert "2 proposals to correct" in page.run("first", place)
    assert len(list((place / "proposed" / "labels").glob("*.seg.nrrd"))) == 2
    page.run("second", place)
    first, second = (
        json.loads((place / "runs" / name / "run.json").read_text())
        for name in ("round1", "round2")
    )
    assert (first["round"], second["round"]) == (1, 2)
    assert len(second["labels_seen"]) == len(first["labels_seen"]) + 2


def test_an_analysis(place):
    for name in ("first", "second"):
        write_run(place / "runs" / name)
    assert "Pearson's r" in Page(DOCS / "analyses.md").run("reliability", place)
    assert (place / "agreement" / "reliability.png").is_file()
