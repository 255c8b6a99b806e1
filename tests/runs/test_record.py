"""run.json is data, of the task that is asked for."""

from __future__ import annotations

import json

import pytest
from monai.transforms import Flip

from gemini_monai.base.errors import InputError
from gemini_monai.base.fingerprint import describe
from gemini_monai.runs import read_record, refuse_other_purpose, run_settings

KNOWN = {"bundle": "gemini_semi", "task": "segmentation", "method": "GEMINI"}


def _write(folder, *, record=None, **settings):
    content = KNOWN | (record or {}) | {"settings": settings}
    (folder / "run.json").write_text(json.dumps(content))


def test_settings_of_a_run_are_those_it_recorded(tmp_path):
    default = {"channels": [4, 8], "spacing": None}
    assert run_settings(tmp_path, default=default) == default
    _write(tmp_path, channels=[8, 16], spacing=[1.0, 1.0], more=1)
    found = run_settings(tmp_path, default=default)
    assert found == {"channels": [8, 16], "spacing": [1.0, 1.0]}
    _write(tmp_path, channels=[8, 16])
    with pytest.raises(InputError, match=r"run\.json: setting 'spacing' is missing"):
        run_settings(tmp_path, default=default)


def test_a_record_from_before_colors_has_one_scale_for_all_channels(tmp_path):
    _write(tmp_path, in_channels=4)
    assert read_record(tmp_path)["settings"]["color"] is True
    assert run_settings(tmp_path, default={"color": False}) == {"color": True}
    _write(tmp_path, in_channels=4, color=False)
    assert run_settings(tmp_path, default={"color": True}) == {"color": False}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "not JSON"),
        ("[]", "expected a JSON object, found array"),
        ("{}", "it has no settings"),
        ('{"settings": {}}', "the record of an earlier version, which has no 'task'"),
        ({"spacing": "$1"}, "settings: spacing: '.1' would be evaluated; what is read is data"),
        ({"channels": [{"_target_": "x"}]}, "would be evaluated"),
        ({"channels": "wide"}, "key 'channels': expected a list"),
        ({"spatial_dims": 4}, "key 'spatial_dims': expected a whole number"),
    ],
)
def test_a_record_that_is_damaged_or_code_is_named(tmp_path, content, message):
    if isinstance(content, dict):
        _write(tmp_path, **content)
    else:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(InputError, match=rf"run\.json: .*{message}"):
        read_record(tmp_path)
    with pytest.raises(InputError, match=r"run\.json: "):
        run_settings(tmp_path, default={})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("method", "$print(1)"),
        ("bundle", "@x"),
        ("task", "%x.json::y"),
        ("command", " $print(1)"),
        ("dataset", {"name": "$import x"}),
        ("dataset", {"structures": ["heart", "@heart"]}),
        ("dataset", {"cases": {"$x": 1}}),
        ("transforms", {"before": [["a.B", {"_target_": "os.system"}]]}),
        ("versions", {"_target_": "os.system"}),
        ("resumed", [{"command": "@x"}]),
        ("compare", ["$x"]),
        ("of a later version", {"deep": [{"_requires_": "x"}]}),
    ],
)
def test_no_field_of_a_record_is_run(tmp_path, field, value):
    _write(tmp_path, record={field: value})
    with pytest.raises(InputError, match=rf"run\.json: {field}.*would be evaluated"):
        read_record(tmp_path)
    with pytest.raises(InputError, match="would be evaluated"):
        run_settings(tmp_path, default={})
    with pytest.raises(InputError, match="would be evaluated"):
        refuse_other_purpose(tmp_path)


@pytest.mark.parametrize(
    ("field", "value"),
    [("method", 1), ("dataset", "x"), ("registers", "yes"), ("parameters", "9"), ("seconds", "1")],
)
def test_a_field_of_another_type_is_named(tmp_path, field, value):
    _write(tmp_path, record={field: value})
    with pytest.raises(InputError, match=rf"run\.json: key '{field}': expected"):
        read_record(tmp_path)


def test_a_configuration_asks_for_what_stands_beside_the_settings(tmp_path):
    _write(tmp_path, record={"seed": 3, "registers": True})
    found = run_settings(tmp_path, default={"method": "", "seed": 0, "registers": False})
    assert found == {"method": "GEMINI", "seed": 3, "registers": True}


def test_a_run_of_another_task_is_refused(tmp_path):
    _write(tmp_path, record={"task": "pre-training"})
    with pytest.raises(InputError, match="a run for pre-training, expected one for segmentation"):
        refuse_other_purpose(tmp_path, task="segmentation")


def test_a_run_that_trained_no_field_cannot_register(tmp_path):
    _write(tmp_path, record={"method": "supervised", "registers": False})
    with pytest.raises(InputError, match="a run of supervised, which trains no displacement"):
        refuse_other_purpose(tmp_path, registers=True)
    _write(tmp_path, record={"registers": True})
    assert refuse_other_purpose(tmp_path, registers=True) is None


def test_transforms_of_ones_own_must_be_those_of_the_training(tmp_path):
    none, flip = {"before": [], "after": []}, {"before": [Flip(spatial_axis=0)], "after": []}
    _write(tmp_path, record={"transforms": describe(flip)})
    assert run_settings(tmp_path, default={}, transforms=flip) == {}
    with pytest.raises(InputError, match="trained with Flip in 'before', now nothing; give the ov"):
        run_settings(tmp_path, default={}, transforms=none)
    _write(tmp_path, record={"transforms": describe(none)})
    with pytest.raises(InputError, match="trained with nothing in 'before', now Flip"):
        run_settings(tmp_path, default={}, transforms=flip)


def test_what_is_no_run_is_named(tmp_path):
    with pytest.raises(InputError, match="absent: no such run folder"):
        read_record(tmp_path / "absent")
    with pytest.raises(InputError, match=r"not a run folder, .*run\.json is missing"):
        read_record(tmp_path)
