"""run.json is data, of the task that is asked for."""

from __future__ import annotations

import json

import pytest

from gemini_monai.errors import InputError
from gemini_monai.runs import bundle_of, read_record, run_settings, task_of


def _write(folder, **settings):
    (folder / "run.json").write_text(json.dumps({"settings": settings}))


def test_settings_of_a_run_are_those_it_recorded(tmp_path):
    default = {"channels": [4, 8], "spacing": None}
    assert run_settings(tmp_path, default=default) == default
    _write(tmp_path, channels=[8, 16], spacing=[1.0, 1.0], more=1)
    found = run_settings(tmp_path, default=default, optional={"align": None})
    assert found == {"channels": [8, 16], "spacing": [1.0, 1.0], "align": None}
    _write(tmp_path, channels=[8, 16])
    with pytest.raises(InputError, match=r"run\.json: setting 'spacing' is missing"):
        run_settings(tmp_path, default=default)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "not JSON"),
        ("[]", "expected a JSON object, found array"),
        ("{}", "it has no settings"),
        ('{"settings": {"spacing": "$1"}}', "would be evaluated; settings are data"),
        ('{"settings": {"channels": [{"_target_": "x"}]}}', "would be evaluated"),
        ('{"settings": {"channels": "wide"}}', "key 'channels': expected a list"),
        ('{"settings": {"spatial_dims": 4}}', "key 'spatial_dims': expected a whole number"),
    ],
)
def test_a_record_that_is_damaged_or_code_is_named(tmp_path, content, message):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(InputError, match=rf"run\.json: .*{message}"):
        read_record(tmp_path)
    with pytest.raises(InputError, match=r"run\.json: "):
        run_settings(tmp_path, default={})


def test_a_run_is_of_a_task_and_a_bundle(tmp_path):
    for settings, task, bundle in (
        ({"restoration_weight": 1.0}, "pre-training", "gemini_mip"),
        ({"pretrained": "none"}, "segmentation", "gemini_mip"),
        ({"supervised_weight": 1.0}, "segmentation", "gemini_semi"),
    ):
        _write(tmp_path, **settings)
        record = read_record(tmp_path)
        assert (task_of(record), bundle_of(record)) == (task, bundle)
    _write(tmp_path, restoration_weight=1.0)
    with pytest.raises(InputError, match="a run for pre-training, expected one for segmentation"):
        run_settings(tmp_path, default={}, task="segmentation")


def test_what_is_no_run_is_named(tmp_path):
    with pytest.raises(InputError, match="absent: no such run folder"):
        read_record(tmp_path / "absent")
    with pytest.raises(InputError, match=r"not a run folder, .*run\.json is missing"):
        read_record(tmp_path)
