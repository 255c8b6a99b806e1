"""``ignore`` of ``dataset.json``: kept, handed on, part of what a run is of, and refused."""

from __future__ import annotations

import json

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data import read_cohort
from tests.data.test_cohort import _content, _write


def test_it_is_written_read_and_handed_on(tmp_path):
    path = _write(tmp_path / "dataset.json", _content(tmp_path, ignore=255))
    assert json.loads(path.read_text())["ignore"] == 255
    cohort = read_cohort(path)
    spec = cohort.input_spec()
    assert spec.ignore == 255
    assert spec.label_values == (0, 2, 7)  # nothing is predicted to be ignored
    assert spec.out_channels == 3
    other = _write(tmp_path / "other.json", _content(tmp_path))
    assert "ignore" not in json.loads(other.read_text())
    plain = read_cohort(other)
    assert plain.structures_in(spec).ignore is None
    assert cohort.structures_in(plain.input_spec()).ignore == 255
    assert cohort.identity != plain.identity


def test_a_data_set_without_it_is_what_it_was(tmp_path):
    """Its identity is in the checkpoints of earlier versions, which recorded no files."""
    path = _write(tmp_path / "dataset.json", _content(tmp_path))
    content = json.loads(path.read_text())
    del content["files"]
    path.write_text(json.dumps(content))
    expected = "58a46da143e3ad52d9fe4299ca354fa71d2a70f5cc1490af32a345312e2e5a35"
    assert read_cohort(path).identity == expected


MASKS = {"overlapping": True, "labels": {"a": 0, "b": 1}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ignore": 7}, "key 'ignore': 7 is the value of 'heart' too"),
        ({"ignore": 0}, "key 'ignore': 0 is the value of 'background' too"),
        ({"ignore": "255"}, "key 'ignore': expected a whole number"),
        ({"ignore": 2.5}, "key 'ignore': expected a whole number"),
        ({"ignore": True}, "key 'ignore': expected a whole number"),
        (
            {"labels": {"background": 0, "heart": 7, "Ignore": 9}},
            """key 'ignore': 'Ignore' is no structure; say it .* as {"ignore": 9}""",
        ),
        (MASKS | {"ignore": 0}, "key 'ignore': 0 is the value of 'no' too"),
        (MASKS | {"ignore": 1}, "key 'ignore': 1 is the value of 'yes' too"),
    ],
)
def test_what_it_cannot_be_is_named(tmp_path, changes, message):
    content = _content(tmp_path)
    path = _write(tmp_path / "dataset.json", content)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(InputError, match=rf"dataset\.json: {message}"):
        read_cohort(path)
