"""What the page does without a part, with a bad input, and where it is written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.report import write_report
from tests.report.parsed import read_page
from tests.report.synthetic_run import write_run


def test_page_lands_in_the_run_by_default_and_leaves_no_part(run: Path) -> None:
    before = set(run.iterdir())
    assert write_report([run]) == run / "report.html"
    assert set(run.iterdir()) - before == {run / "report.html"}


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ("validation.csv", "No validation cases were set aside"),
        ("history.csv", "No history.csv was left"),
        ("test/segmentation.csv", "GEMINI was not tested"),
        ("test/registration.csv", "No pairs were registered"),
        ("test/pairs", "GEMINI kept no pair to show"),
        ("test/predictions", "s000.nii.gz: no such file"),
        ("data", "Not shown"),
        ("supervised", "No other arm was trained"),
        ("test", "No pairs were registered"),
    ],
)
def test_missing_part_is_said_in_a_sentence(run: Path, part: str, sentence: str) -> None:
    path = run / part
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    assert sentence in read_page(write_report([run])).text


def test_two_test_cases_have_no_interval(tmp_path: Path) -> None:
    page = read_page(write_report([write_run(tmp_path / "run", shape=(24, 24), cases=2)]))
    assert " points in 2 cases, too few for an interval." in page.text
    assert "Difference in points, of 2 cases: too few for an interval." in page.text
    assert "resamples" not in page.text
    assert "leaves zero out" not in page.text
    for row in page.table("Dice in percent")[1:]:
        assert row[4:] == ["\u2013", "\u2013"]


def test_a_run_that_registered_nothing_has_no_section_of_it(run: Path) -> None:
    assert "Registration" in read_page(write_report([run])).text
    (run / "test" / "registration.csv").unlink()
    shutil.rmtree(run / "test" / "pairs")
    page = read_page(write_report([run]))
    assert "Registration" not in page.text
    assert "registration" not in {value for _, name, value in page.attributes if name == "id"}


def test_bare_run_still_makes_a_page(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    text = read_page(write_report([tmp_path])).text
    assert "run on an unnamed data set" in text
    assert "nan" not in text


def test_names_from_files_are_escaped(run: Path) -> None:
    details = json.loads((run / "run.json").read_text())
    details["method"] = "<b>&"
    (run / "run.json").write_text(json.dumps(details))
    path = write_report([run])
    assert "<b>&" in read_page(path).text
    assert "<b>" not in path.read_text()


def test_no_run_is_refused() -> None:
    with pytest.raises(InputError, match="no run folder given"):
        write_report([])


def test_folder_that_is_no_run_leaves_no_page(run: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(InputError, match=r"other: not a run folder"):
        write_report([run, tmp_path / "other"], output=tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_page_that_cannot_be_written_is_said(run: Path) -> None:
    (run / "page.html").mkdir()
    (run / "page.html" / "file").touch()
    with pytest.raises(InputError, match=r"page\.html: cannot be written"):
        write_report([run], output=run / "page.html")
    assert not list(run.glob(".part-*"))
