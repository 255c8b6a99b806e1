"""What lies where in a run folder, and that arms are folders in it."""

from __future__ import annotations

import os
import socket

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.runs import RunFolder, add_arm
from tests.runs.made import finished_run


def test_arms_are_runs_inside_that_the_record_names(tmp_path):
    run = finished_run(tmp_path / "run")
    for name in ("supervised", "mine"):
        finished_run(run.path / name)
    assert run.arms() == []
    for name in ("supervised", "gone"):
        add_arm(run.path, name)
    assert [arm.path for arm in run.arms()] == [run.path / "supervised"]


@pytest.mark.parametrize(
    "compare",
    [["."], [".."], [""], ["../other"], ["/etc"], ["a/b"], ["supervised", 1], [None], "supervised"],
    ids=str,
)
def test_an_arm_is_a_plain_name_or_named(tmp_path, compare):
    run = finished_run(tmp_path / "run", compare=compare)
    finished_run(tmp_path / "other")
    with pytest.raises(InputError, match=r"run\.json: key 'compare': "):
        run.arms()


def test_an_arm_that_is_a_link_is_named(tmp_path):
    run = finished_run(tmp_path / "run", compare=["supervised"])
    other = finished_run(tmp_path / "other")
    (run.path / "supervised").symlink_to(other.path)
    with pytest.raises(InputError, match=r"'supervised' is not the name of a folder in the run"):
        run.arms()


def test_events_of_a_process_are_told_from_those_of_others(tmp_path):
    folder = RunFolder(tmp_path)
    (tmp_path / "tensorboard").mkdir()
    own = f"events.out.tfevents.1.{socket.gethostname()}.{os.getpid()}.0"
    for name in (own, "events.out.tfevents.1.elsewhere.1.0", "notes.txt"):
        (tmp_path / "tensorboard" / name).write_text("x")
    assert len(folder.events()) == 2
    assert [path.name for path in folder.events_of_this_process()] == [own]
