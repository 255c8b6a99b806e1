"""Whole files or none."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys

import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import (
    read_json,
    refuse_existing,
    replacing,
    write_tensors,
    write_text,
)


def test_a_file_is_replaced_when_the_block_succeeds(tmp_path):
    path = tmp_path / "new" / "a.nii.gz"
    with replacing(path) as part:
        assert part.parent == path.parent
        assert part.name.endswith(".nii.gz")
        part.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_who_is_reading_keeps_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    with path.open() as reader:
        with replacing(path) as part:
            part.write_text("after")
        assert reader.read() == "before"
    assert path.read_text() == "after"


def test_a_failure_keeps_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")

    def write():
        with replacing(path) as part:
            part.write_text("half")
            raise RuntimeError("disk")

    with pytest.raises(RuntimeError, match="disk"):
        write()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_parts_of_killed_processes_go_and_others_stay(tmp_path):
    gone = _ended_process()
    stale = [tmp_path / f".part-{gone}-a.txt", tmp_path / f".part-{_host()}-{gone}-a.txt"]
    kept = [
        tmp_path / f".part-{_host()}-{os.getpid()}-b.txt",  # under way
        tmp_path / f".part-another.host-{gone}-a.txt",
        tmp_path / ".part-notes",
    ]
    for path in [*stale, *kept]:
        path.write_text("half")
    folder = tmp_path / f".part-{gone}-folder"
    folder.mkdir()
    write_text(tmp_path / "new.txt", "whole")
    assert sorted(tmp_path.iterdir()) == sorted([*kept, folder, tmp_path / "new.txt"])


def _ended_process():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def _host():
    return re.sub(r"[^\w.]", "_", socket.gethostname())


@pytest.mark.parametrize("kind", ["a folder in its place", "a file for its folder"])
def test_the_operating_systems_refusal_names_the_file(tmp_path, kind):
    path = tmp_path / "out" / "a.txt"
    if kind == "a folder in its place":
        path.mkdir(parents=True)
    else:
        path.parent.write_text("mine")
    with pytest.raises(InputError, match=r"out/a\.txt: cannot be written: "):
        write_text(path, "x")
    assert not list(tmp_path.rglob(".part-*"))


def test_the_same_tensors_are_the_same_bytes_under_any_name(tmp_path):
    for name in ("a.pt", "another.pt"):
        write_tensors(tmp_path / name, {"w": torch.arange(6.0)})
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "another.pt").read_bytes()
    assert torch.equal(torch.load(tmp_path / "a.pt")["w"], torch.arange(6.0))


def test_nothing_is_replaced_unless_asked_and_an_input_never(tmp_path):
    scan, other = tmp_path / "scan.nii.gz", tmp_path / "new.nii.gz"
    scan.write_text("mine")
    linked, hard = tmp_path / "link.nii.gz", tmp_path / "hard.nii.gz"
    linked.symlink_to(scan)
    os.link(scan, hard)
    refuse_existing([other], inputs=[scan])
    with pytest.raises(InputError, match=r"scan\.nii\.gz: is there already \(and 1 more\)"):
        refuse_existing([scan, linked, other])
    refuse_existing([scan], overwrite=True)
    for same in (scan, linked, hard, tmp_path / "x" / ".." / "scan.nii.gz"):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(InputError, match="is an input and would be replaced"):
            refuse_existing([same], overwrite=True, inputs=[scan])


@pytest.mark.parametrize("below", ["", "below", "below/it"])
def test_a_folder_that_cannot_be_is_told_before_anything_is_done(tmp_path, below):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match=r"cannot be written: .*file is a file, expected a fol"):
        refuse_existing([tmp_path / "file" / below / "a.nii.gz"], overwrite=True)
    refuse_existing([tmp_path / "new" / below / "a.nii.gz"])
    assert {path.name for path in tmp_path.iterdir()} == {"file"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[1]", "expected a JSON object, found array"),
        (b"3", "expected a JSON object, found int"),
        (b"{", "not JSON"),
        (b'{"a": 1, "a": 2}', "not JSON: key 'a' is there twice"),
        (b"\xff\xfe{}", "not UTF-8 text"),
        (b"[" * 100_000, "not JSON"),
        (None, "no such file"),
    ],
)
def test_json_of_the_wrong_kind_is_named(tmp_path, text, message):
    if text is not None:
        (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(InputError, match=rf"a\.json: {re.escape(message)}"):
        read_json(tmp_path / "a.json", dict)


def test_a_byte_order_mark_is_no_content(tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1}', encoding="utf-8-sig")
    assert read_json(tmp_path / "a.json", dict) == {"a": 1}
