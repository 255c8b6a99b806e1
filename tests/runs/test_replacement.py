"""A run that is replaced is whole at any moment, or the new one is."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.runs import (
    RunFolder,
    add_arm,
    check_run,
    open_run,
    put_back,
    read_record,
    recover_for_reading,
    settle,
)
from gemini_monai.runs.lock import release
from tests.runs.made import PREDICTIONS, bytes_of, finished_run, started_run

ASIDE = ".gemini_monai.replaced"


@pytest.fixture(params=[False, True], ids=["listed", "early"])
def run(request, tmp_path):
    """A run with an arm, an arm of another name, and files of the user's own."""
    early = {"early": request.param}
    folder = finished_run(tmp_path / "run", **early, method="GEMINI")
    for name in ("supervised", "mine"):
        finished_run(folder.path / name, **early, content=name)
    add_arm(folder.path, "supervised")
    for place in (".", "models", "supervised", "test/predictions"):
        (folder.path / place / "notes.txt").write_text("mine")
    yield folder
    release(folder.path)


def test_all_that_a_run_wrote_goes_with_the_first_checkpoint_and_nothing_else(run):
    before = bytes_of(run.path)
    kept = {n for n in before if n.endswith("notes.txt") or n.startswith("mine/")}
    check_run(run.path, overwrite=True)
    assert bytes_of(run.path) == before
    started_run(run.path, overwrite=True)
    settle(run.path)
    assert (run.path / ASIDE / "models" / "model.pt").read_bytes() == before["models/model.pt"]
    run.last.write_text("new")
    settle(run.path)
    left = bytes_of(run.path)
    new = {"run.json", "history.csv", "probe.csv", "models/model.pt", "models/last.pt"}
    assert left.keys() == kept | new
    assert all(left[name] == before[name] for name in kept)
    assert not list(run.path.glob(f"{ASIDE}*"))


def test_a_run_that_fails_gives_back_the_one_before(run, capsys):
    before = bytes_of(run.path)
    started_run(run.path, overwrite=True)
    put_back(run.path)
    assert bytes_of(run.path) == before
    assert "the run that was there is back" in capsys.readouterr().out
    put_back(run.path)
    assert bytes_of(run.path) == before


def test_after_its_first_checkpoint_a_run_that_fails_stays(run):
    started_run(run.path, overwrite=True)
    run.last.write_text("new")
    put_back(run.path)
    assert run.model.read_text() == "new"
    assert not (run.path / ASIDE).exists()


class Killed(BaseException):
    """The process is no more."""


CHANGING = [
    *((Path, name) for name in ("replace", "rename", "unlink", "mkdir", "write_text")),
    *((os, name) for name in ("unlink", "rmdir")),  # by which shutil removes folders
    (shutil, "copyfile"),
]


def _die_after(moments, patch):
    """From then on no call changes the disk, not of whoever would clean up either."""
    left = itertools.count(moments, -1)

    def counted(function):
        def call(*arguments, **options):
            if next(left) <= 0:
                raise Killed
            return function(*arguments, **options)

        return call

    for owner, name in CHANGING:
        patch.setattr(owner, name, counted(getattr(owner, name)))


def _replace(folder, *, saves):
    started_run(folder, overwrite=True)
    if saves:
        RunFolder(folder).last.write_text("new")
        settle(folder)
    else:
        put_back(folder)


NEXT = [
    lambda folder: check_run(folder, overwrite=True),
    lambda folder: check_run(folder, resume=True),
    recover_for_reading,
    lambda folder: open_run(folder, resume=True, predictions=PREDICTIONS),
]


@pytest.mark.parametrize(("saves", "whole"), [(False, True), (False, False), (True, True)])
def test_a_kill_at_any_moment_leaves_the_old_run_or_the_new_one(
    tmp_path, monkeypatch, saves, whole
):
    """Every change of the disk, in turn, is the first that no longer happens."""
    monkeypatch.setattr(os, "fsync", lambda file: None)  # hundreds of runs
    run = finished_run(tmp_path / "run", compare=["supervised"])
    finished_run(run.path / "supervised")
    (run.path / "models" / "notes.txt").write_text("mine")
    for name in ("examples", "supervised/examples", "supervised/test"):  # the fewer, the quicker
        shutil.rmtree(run.path / name)
    if not whole:
        run.last.unlink()
    before, ends = bytes_of(run.path), []
    for moments in itertools.count():
        folder = tmp_path / str(moments)
        shutil.copytree(run.path, folder)
        with pytest.MonkeyPatch.context() as patch:
            _die_after(moments, patch)
            try:
                _replace(folder, saves=saves)
            except Killed:
                pass
            else:
                break
        release(folder)  # as the end of a process does
        assert RunFolder(folder).record.is_file()
        with suppress(InputError):  # a run that cannot go on
            NEXT[moments % len(NEXT)](folder)
        release(folder)
        ends.append({n: c for n, c in bytes_of(folder).items() if ".part-" not in n})
    for after in ends:
        if after != before:
            assert after["models/last.pt"] == after["models/model.pt"] == b"new"
            assert "config.json" not in after
        assert after["models/notes.txt"] == b"mine"
    assert sum(after == before for after in ends) > 40
    assert saves is any(after != before for after in ends)


def test_a_run_that_was_killed_while_replacing_another_is_read_as_that(run):
    before = read_record(run.path) if "settings" in run.record.read_text() else None
    started_run(run.path, overwrite=True)
    recover_for_reading(run.path)  # by the process that writes: nothing happens
    assert (run.path / ASIDE).is_dir()
    release(run.path)
    assert read_record(run.path) == before


def test_an_arm_that_another_process_trains_is_not_replaced(run):
    before = bytes_of(run.path)
    code = "import sys, time; from gemini_monai.runs.lock import hold; from pathlib import Path; "
    code += "hold(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    arguments = [sys.executable, "-c", code, str(run.path / "supervised")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="supervised: process .* is writing a run there"):
            open_run(run.path, overwrite=True)
        other.kill()
    assert bytes_of(run.path) == before


def test_an_arm_that_was_trained_since_is_not_replaced_by_what_was_set_aside(run):
    started_run(run.path, overwrite=True)
    release(run.path)
    finished_run(run.path / "supervised", content="since")
    before = bytes_of(run.path)
    for take in (check_run, open_run):
        with pytest.raises(InputError, match=r"supervised/run\.json: is there, so .* moved back"):
            take(run.path)
        assert bytes_of(run.path) == before


@pytest.mark.parametrize(
    "name", ["../../notes.txt", "/etc/hosts", "notes.txt", "models/../../models/last.pt", "run", ""]
)
def test_a_list_of_another_is_not_followed(tmp_path, name):
    run = finished_run(tmp_path / "run")
    (run.path / ASIDE).mkdir()
    (run.path / ASIDE / "files.json").write_text(json.dumps([name]))
    for look in (check_run, recover_for_reading):
        with pytest.raises(InputError, match=r"files\.json: .* is no file of a run"):
            look(run.path)
        release(run.path)


@pytest.mark.parametrize("place", [ASIDE, "."])
def test_nothing_is_moved_from_or_to_elsewhere(tmp_path, place):
    """A folder that was received may say that a run was set aside in it."""
    run = finished_run(tmp_path / "run", content="theirs")
    (run.path / ASIDE).mkdir()
    (run.path / ASIDE / "files.json").write_text(json.dumps(["models/model.pt"]))
    shutil.move(run.path / "models", tmp_path / "models")
    (run.path / place / "models").symlink_to(tmp_path / "models")
    before = bytes_of(tmp_path)
    for look in (check_run, recover_for_reading):
        with pytest.raises(InputError, match="models: is a link, where a run has a folder"):
            look(run.path)
        release(run.path)
    assert bytes_of(tmp_path) == before


def test_what_cannot_be_moved_stays(run, monkeypatch):
    before = bytes_of(run.path)
    function = Path.replace

    def refuse(path, target):
        if path.name == "model.pt" and ASIDE in str(target):
            raise OSError(18, "Invalid cross-device link")
        return function(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(InputError, match="run: cannot be replaced: Invalid cross-device link"):
        open_run(run.path, overwrite=True)
    assert bytes_of(run.path) == before


@pytest.mark.parametrize("compare", [["../other"], ["."], "absolute"])
def test_overwriting_reaches_no_other_run(tmp_path, compare):
    other = finished_run(tmp_path / "other")
    named = [str(other.path)] if compare == "absolute" else compare
    run = finished_run(tmp_path / "run", compare=named)
    before = bytes_of(tmp_path)
    for take in (check_run, open_run):
        with pytest.raises(InputError, match=r"run\.json: key 'compare'"):
            take(run.path, overwrite=True)
    assert bytes_of(tmp_path) == before


def test_an_arm_that_is_not_ours_is_not_replaced(tmp_path):
    run = finished_run(tmp_path / "run", compare=["supervised"])
    (run.path / "supervised").mkdir()
    (run.path / "supervised" / "run.json").write_text('{"my": "experiment"}')
    before = bytes_of(run.path)
    for take in (check_run, open_run):
        with pytest.raises(InputError, match=r"supervised/run\.json: is there, and not the record"):
            take(run.path, overwrite=True)
    assert bytes_of(run.path) == before
