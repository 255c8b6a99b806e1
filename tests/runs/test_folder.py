"""One process at a time; a run that is there is neither mixed with nor replaced in silence."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from gemini_monai.errors import InputError
from gemini_monai.runs import RunFolder, check_run, close_run, open_run, refuse_tests
from gemini_monai.tables import write_table

HOLD = """
import sys, time
from gemini_monai.runs import open_run
open_run(sys.argv[1], resume=True)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def run(tmp_path):
    """A folder that looks as a run leaves it, with files of the user's own among its own."""
    folder = RunFolder(tmp_path / "run")
    for path in (folder.last, folder.model, folder.history, folder.test / "registration.csv"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    predictions = folder.test / "predictions"
    predictions.mkdir()
    (predictions / "a.nii.gz").write_text("x")
    rows = [{"case": "a", "prediction": str(predictions / "a.nii.gz")}]
    write_table(
        folder.test / "segmentation.csv", [*rows, {"case": "b", "prediction": "/etc/hosts"}]
    )
    folder.record.write_text(json.dumps({"method": "GEMINI", "iterations": 4}))
    (folder.path / "notes.txt").write_text("mine")
    (predictions / "corrected.nii.gz").write_text("mine")
    yield folder
    close_run(folder.path)


def test_a_run_that_is_there_is_refused_and_stays(run):
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    for take in (check_run, open_run):
        message = r"run: a run is there already \(GEMINI, 4 iterations\); --resume True"
        with pytest.raises(InputError, match=message):
            take(run.path)
        for path, content in before.items():
            assert path.read_bytes() == content
    check_run(run.path, resume=True)
    open_run(run.path, resume=True)
    for path, content in before.items():
        assert path.read_bytes() == content


def test_overwriting_removes_what_the_run_wrote_and_nothing_else(run):
    check_run(run.path, overwrite=True)
    assert run.last.is_file()
    open_run(run.path, overwrite=True)
    left = {path.name for path in run.path.rglob("*") if path.is_file()}
    assert left == {"notes.txt", "corrected.nii.gz", ".gemini_monai.lock"}


def test_files_of_those_names_that_are_of_no_run_are_never_removed(tmp_path):
    report = tmp_path / "report.html"
    report.write_text("mine")
    for options in ({}, {"overwrite": True}, {"resume": True}):
        with pytest.raises(InputError, match=r"report\.html: is there, but .*run\.json is not"):
            open_run(tmp_path, **options)
    assert report.read_text() == "mine"
    close_run(tmp_path)


def test_a_run_that_saved_nothing_starts_anew(run):
    run.last.unlink()
    open_run(run.path)
    assert not run.record.exists()


def test_both_at_once_is_refused(run):
    with pytest.raises(InputError, match="goes on or is replaced, not both"):
        check_run(run.path, resume=True, overwrite=True)


def test_arms_are_runs_inside_that_the_record_names(run):
    for name in ("supervised", "mine"):
        arm = RunFolder(run.path / name)
        arm.last.parent.mkdir(parents=True)
        arm.last.write_text("x")
        arm.record.write_text("{}")
    assert run.arms() == []
    run.record.write_text(json.dumps({"method": "GEMINI", "compare": ["supervised", "gone"]}))
    assert [arm.path.name for arm in run.arms()] == ["supervised"]
    open_run(run.path, overwrite=True)
    assert not (run.path / "supervised" / "run.json").exists()
    assert (run.path / "mine" / "run.json").exists()


def test_looking_makes_no_folder(tmp_path):
    check_run(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_two_processes_are_kept_apart_until_one_ends(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert "no checkpoint" in other.stdout.readline()
        assert other.stdout.readline() == "held\n"
        for take in (check_run, open_run):
            with pytest.raises(InputError, match=rf"run: process {other.pid} on .* is writing"):
                take(tmp_path / "run")
        other.kill()
    open_run(tmp_path / "run")
    open_run(tmp_path / "run")  # the same process may again
    assert (
        (tmp_path / "run" / ".gemini_monai.lock")
        .read_text()
        .startswith(f"process {os.getpid()} on ")
    )
    close_run(tmp_path / "run")


def test_a_file_in_the_folders_place_is_named(tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(InputError, match="run: cannot be written"):
        open_run(tmp_path / "run")
    assert (tmp_path / "run").read_text() == "mine"


def test_scores_that_are_there_are_kept_unless_asked(run):
    with pytest.raises(InputError, match=r"segmentation\.csv: is there already"):
        refuse_tests(run.test)
    refuse_tests(run.test, overwrite=True)
    refuse_tests(run.path / "elsewhere")
