"""Whole files or none."""

from __future__ import annotations

import pytest

from gemini_monai.files import replacing


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
