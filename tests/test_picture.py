"""The picture of the README: images that may be shown, and whose they are."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from benchmarks.picture import CREDIT, LICENSE, draw, expected_dice, scans
from gemini_monai.base.errors import InputError
from gemini_monai.base.tables import read_table, write_table
from tests.conftest import ROOT
from tests.report.synthetic_run import write_run

MANIFEST = (("a", "1", LICENSE), ("b", "1", "CC BY-NC-SA"), ("c", "2", LICENSE))


def _source(folder, rows=MANIFEST):
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
        for name, _, _ in rows:
            (folder / part / f"{name}.png").touch()
    table = [{"id": name, "patient": who, "license": terms} for name, who, terms in rows]
    write_table(folder / "manifest.csv", table)
    return folder


def test_images_under_another_license_are_left_out(tmp_path):
    scans(str(_source(tmp_path / "source")), str(tmp_path / "scans"))
    for part in ("images", "labels"):
        assert {path.stem for path in (tmp_path / "scans" / part).iterdir()} == {"a", "c"}
    patients = {row["case"]: row["patient"] for row in read_table(tmp_path / "scans/patients.csv")}
    assert patients == {"a": "1", "c": "2"}


def test_a_folder_without_such_an_image_is_refused(tmp_path):
    source = _source(tmp_path / "source", rows=MANIFEST[1:2])
    with pytest.raises(InputError, match="manifest.csv has no image under CC BY 3.0"):
        scans(str(source), str(tmp_path / "scans"))
    assert not (tmp_path / "scans").exists()


def _trust(folder, cases):
    folder.mkdir()
    rows = [
        {"look_first": place, "case": case, "structure": part, "expected_dice": 0.5 + place / 10}
        for place, case in enumerate(cases, 1)
        for part in ("heart", "lung")
    ]
    write_table(folder / "quality.csv", rows[::-1])
    return folder


def test_test_cases_are_in_the_order_to_look_at_them(tmp_path):
    found = expected_dice(_trust(tmp_path / "masks", ["x", "b", "a"]), cases={"a", "b"})
    assert list(found.items()) == [("b", pytest.approx(0.7)), ("a", pytest.approx(0.8))]


def test_it_is_drawn_and_carries_the_credit(tmp_path):
    run = write_run(tmp_path / "run", shape=(24, 24), cases=3, iterations=12, supervised=False)
    cases = sorted({row["case"] for row in read_table(run / "test" / "segmentation.csv")})
    draw(str(run), str(_trust(tmp_path / "masks", cases)), str(tmp_path / "picture.png"))
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.width == 1200
        assert CREDIT.items() <= picture.info.items()
    with pytest.raises(InputError, match="has no test case of"):
        draw(str(run), str(_trust(tmp_path / "others", ["x"])), str(tmp_path / "none.png"))


def test_whose_the_shown_images_are_is_said_wherever_they_are_shown():
    with Image.open(ROOT / "docs" / "picture.png") as picture:
        assert CREDIT.items() <= picture.info.items()
    address = re.search(r"https://doi\S+", CREDIT["Source"])[0]
    for name in ("docs/picture.png.license", "docs/datasets/chest_xrays.md"):
        text = (ROOT / name).read_text()
        assert all(part in text for part in (address, "Winther", "V7 Labs", "3b46de94")), name
    for name in ("README.md", "docs/index.md"):
        caption = re.search(r"picture\.png\)\n\n\*(.+?)\*\n", (ROOT / name).read_text(), re.S)[1]
        for part in ("Winther et al.", "CC BY 3.0", "V7 Labs", "CC BY 4.0", "#picture-credit"):
            assert part in caption, (name, part)
