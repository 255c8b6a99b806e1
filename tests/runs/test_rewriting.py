"""Scores and pages of a run that is done may be made anew, where they are as it left them."""

from __future__ import annotations

import json

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.runs import RunFolder, check_run, close_run, refuse_tests, rewriting
from tests.runs.made import PREDICTIONS, bytes_of, finished_run


@pytest.fixture
def run(tmp_path):
    folder = finished_run(tmp_path / "run")
    yield folder
    close_run(folder.path)


def test_scores_that_are_there_are_kept_unless_asked(run):
    with pytest.raises(InputError, match=r"segmentation\.csv: is there already"):
        refuse_tests(run.test)
    refuse_tests(run.test, overwrite=True)
    refuse_tests(run.path / "elsewhere")


def test_predictions_that_are_there_are_kept_unless_asked(tmp_path):
    folder = tmp_path / "out" / "test"
    (folder / "predictions").mkdir(parents=True)
    (folder / "predictions" / "a.nii.gz").write_text("mine")
    with pytest.raises(InputError, match=r"a\.nii\.gz: is there already"):
        refuse_tests(folder, predictions=PREDICTIONS)
    refuse_tests(folder, predictions=["c.nii.gz"])


def test_what_is_scored_anew_is_listed_as_it_comes_out(run):
    more = [*PREDICTIONS, "c.nii.gz"]
    refuse_tests(run.test, overwrite=True, predictions=more, trained=run.path)
    for name in ("segmentation.csv", "predictions/a.nii.gz", "predictions/c.nii.gz"):
        (run.test / name).write_text("anew")
    close_run(run.path)
    check_run(run.path, overwrite=True)
    listed = json.loads(run.record.read_text())["files"]
    assert listed["test/predictions/c.nii.gz"]
    assert "test/registration.csv" not in listed


@pytest.mark.parametrize("name", ["segmentation.csv", "predictions/b.nii.gz"])
def test_what_somebody_corrected_in_a_run_is_not_scored_over(run, name):
    (run.test / name).write_text("corrected")
    with pytest.raises(InputError, match="was changed since the run wrote it"):
        refuse_tests(run.test, overwrite=True, predictions=PREDICTIONS, trained=run.path)


def test_what_somebody_put_beside_predictions_is_not_scored_over(run):
    (run.test / "predictions" / "c.nii.gz").write_text("mine")
    with pytest.raises(InputError, match=r"c\.nii\.gz: is there, but .* does not list it"):
        refuse_tests(run.test, overwrite=True, predictions=["c.nii.gz"], trained=run.path)


def test_scores_of_one_run_do_not_go_into_another(run, tmp_path):
    other = finished_run(tmp_path / "other")
    before = bytes_of(tmp_path)
    with pytest.raises(InputError, match="run: is a run, but not that of the weights, .*other"):
        refuse_tests(run.test, overwrite=True, trained=other.path)
    assert bytes_of(tmp_path) == before


def test_a_page_is_made_anew_and_listed(run):
    with rewriting(run.path, "report.html"):
        run.report.write_text("anew")
    check_run(run.path, overwrite=True)
    run.report.write_text("edited")
    with pytest.raises(InputError, match=r"report\.html: was changed since"):
        check_run(run.path, overwrite=True)


def test_a_page_that_somebody_edited_is_not_made_anew(run):
    run.report.write_text("edited")
    with (
        pytest.raises(InputError, match=r"report\.html: was changed since"),
        rewriting(run.path, "report.html"),
    ):
        run.report.write_text("anew")
    assert run.report.read_text() == "edited"


def test_what_lists_nothing_is_not_kept_up(tmp_path):
    early = finished_run(tmp_path / "early", early=True)
    before = early.record.read_bytes()
    for folder in (early.path, tmp_path / "none"):
        with rewriting(folder, "report.html"):
            folder.mkdir(exist_ok=True)
            RunFolder(folder).report.write_text("anew")
    assert early.record.read_bytes() == before
