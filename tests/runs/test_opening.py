"""One process at a time; a run that is there is neither mixed with nor replaced in silence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from gemini_monai.base.errors import InputError
from gemini_monai.runs import RunFolder, check_run, close_run, files_to_write, go_on, open_run
from gemini_monai.runs.lock import HOLDER, LOCK
from tests.runs.made import PREDICTIONS, bytes_of, finished_run, started_run, write_files

HOLD = """
import sys, time
from gemini_monai.runs import open_run
open_run(sys.argv[1], resume=True)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture(params=[False, True], ids=["listed", "early"])
def run(request, tmp_path):
    """A run, with files of the user's own among its own."""
    folder = finished_run(tmp_path / "run", early=request.param)
    (folder.path / "notes.txt").write_text("mine")
    (folder.path / "models" / "notes.txt").write_text("mine")
    (folder.test / "predictions" / "corrected.nii.gz").write_text("mine")
    yield folder
    close_run(folder.path)


def test_a_run_that_is_there_is_refused_and_stays(run):
    before = bytes_of(run.path)
    for take in (check_run, open_run):
        message = r"run: a run is there already \(.*, 4 iterations\); --resume True"
        with pytest.raises(InputError, match=message):
            take(run.path)
        assert bytes_of(run.path) == before
    check_run(run.path, resume=True)
    open_run(run.path, resume=True)
    assert bytes_of(run.path) == before


def test_a_finished_run_without_its_last_checkpoint_is_still_one(run):
    run.last.unlink()
    before = bytes_of(run.path)
    for options in ({}, {"resume": True}):
        for take in (check_run, open_run):
            with pytest.raises(InputError, match=r"cannot go on, as .*last\.pt is not there; --ov"):
                take(run.path, **options)
            assert bytes_of(run.path) == before
    open_run(run.path, overwrite=True)
    assert not run.model.exists()


def test_a_run_that_saved_nothing_starts_anew(tmp_path):
    started_run(tmp_path / "run")
    (tmp_path / "run" / "models" / "notes.txt").write_text("mine")
    for options in ({}, {"resume": True}):
        close_run(tmp_path / "run")
        open_run(tmp_path / "run", **options)
        assert not (tmp_path / "run" / "history.csv").exists()
        assert (tmp_path / "run" / "models" / "notes.txt").exists()
        close_run(tmp_path / "run")
        assert (tmp_path / "run" / "history.csv").read_text() == "new"  # nothing took its place


def test_both_at_once_is_refused(tmp_path):
    with pytest.raises(InputError, match="goes on or is replaced, not both"):
        check_run(tmp_path / "run", resume=True, overwrite=True)


def test_looking_makes_no_folder(tmp_path):
    check_run(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (tmp_path / "empty").mkdir()
    check_run(tmp_path / "empty")
    assert not list((tmp_path / "empty").iterdir())


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
    holder = tmp_path / "run" / HOLDER
    assert holder.read_text().startswith(f"process {os.getpid()} on ")
    close_run(tmp_path / "run")
    assert not holder.exists()


def test_a_lock_that_is_held_is_neither_read_nor_written(tmp_path, monkeypatch):
    """On Windows that fails, in the process that holds it, too."""
    lock, opened = tmp_path / "run" / LOCK, Path.open

    def refusing(self, *arguments, **options):
        if self.name == LOCK:
            raise PermissionError(13, "another process has locked a portion of the file", str(self))
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refusing)
    open_run(lock.parent)
    held = FileLock(lock)
    with pytest.raises(Timeout):
        held.acquire(timeout=0)
    close_run(lock.parent)


def test_a_file_in_the_folders_place_is_named(tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(InputError, match="run: cannot be written"):
        open_run(tmp_path / "run")
    assert (tmp_path / "run").read_text() == "mine"


def _digests(run):
    return json.loads(run.record.read_text())["files"]


def test_a_record_lists_files_before_they_are_written_and_as_they_came_out(tmp_path):
    run = RunFolder(tmp_path / "run")
    open_run(run.path, predictions=PREDICTIONS)
    listed = _digests(run)
    assert set(listed.values()) == {None}
    assert {"probe.csv", "test/predictions/b.nii.gz"} < listed.keys()
    write_files(run.path)
    assert files_to_write(run.path).keys() == listed.keys()
    close_run(run.path)
    known = _digests(run)
    there = set(bytes_of(run.path))
    assert known.keys() == there
    assert [name for name in known if known[name] is None] == ["run.json"]
    close_run(run.path)
    assert _digests(run) == known
    open_run(run.path, resume=True, predictions=PREDICTIONS)
    assert _digests(run) == known  # until the first file is written
    go_on(run.path)
    assert set(_digests(run).values()) == {None}
    close_run(run.path)
    assert _digests(run) == known


def test_a_file_that_is_put_back_is_still_the_runs(tmp_path):
    run = finished_run(tmp_path / "run")
    saved = run.last.read_bytes()
    run.last.unlink()
    open_run(run.path, overwrite=True)
    close_run(run.path)
    run.last.write_bytes(saved)
    check_run(run.path, resume=True)


def test_a_file_that_was_there_before_is_not_listed(tmp_path):
    """As where a configuration of one's own opens no run folder."""
    (tmp_path / "report.html").write_text("mine")
    listed = files_to_write(tmp_path)
    assert "report.html" not in listed
    assert "history.csv" in listed


@pytest.mark.parametrize("place", ["run", "run/supervised"])
def test_what_a_run_reads_is_not_replaced_by_it(tmp_path, place):
    """Labels that a run predicted, or weights to start from."""
    run = finished_run(tmp_path / "run", compare=["supervised"])
    finished_run(run.path / "supervised")
    (tmp_path / "link").symlink_to(tmp_path / place)
    for name in ("test/predictions/b.nii.gz", "models/model.pt"):
        inputs = [tmp_path / "elsewhere.nii.gz", tmp_path / "link" / name]
        with pytest.raises(InputError, match=rf"{name}: is an input and would be replaced"):
            check_run(run.path, overwrite=True, inputs=inputs)
    check_run(run.path, overwrite=True, inputs=inputs[:1])
