"""A run of somebody, and what it would take to see that something in it ran."""

from __future__ import annotations

import json
import shutil

import pytest

from gemini_monai.base.errors import InputError, input_error_in


@pytest.fixture
def touched(tmp_path):
    """What is there once a payload ran."""
    return tmp_path / "PWNED"


@pytest.fixture
def payload(touched):
    """An expression that makes a file."""
    return f"$__import__('pathlib').Path({str(touched)!r}).touch()"


@pytest.fixture
def received(trained, tmp_path):
    """A run of somebody, to be spoiled."""
    skip = shutil.ignore_patterns("tensorboard", "examples", "supervised")
    return shutil.copytree(trained, tmp_path / "received", ignore=skip)


def spoil(run_folder, change):
    path = run_folder / "run.json"
    record = json.loads(path.read_text()) | {"compare": []}
    for key, value in change.items():
        inner = isinstance(value, dict) and isinstance(record.get(key), dict)
        record[key] = record[key] | value if inner else value
    path.write_text(json.dumps(record))


def refused(call, *arguments, match="would be evaluated", **options):
    with pytest.raises(Exception, match="[a-z]") as raised:
        call(*arguments, **options)
    cause = input_error_in(raised.value)
    assert isinstance(cause, InputError), raised.value
    assert match in str(cause)
