"""Files that change after they were prepared, seen by whatever starts with them."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import contextmanager

import nibabel as nib
import numpy as np
import pytest

from gemini_monai.base.errors import input_error_in
from gemini_monai.data import verification, write_cohort
from gemini_monai.data.dataset_file import read_cohort
from tests.bundles.runs import BUNDLE, FINE, MIP, SMALL, paths, run, workflow

TINY = SMALL | {"epochs": 1, "num_workers": 0, "compare": []}
PRETRAINED = SMALL | {"epochs": 1, "num_workers": 0, "probe_interval": 0}
TUNED = FINE | {"epochs": 1, "num_workers": 0, "pretrained": "none"}
REFUSED = r"dataset\.json: not as it was prepared: (image|label) of 'subject_\d+' holds something"


@contextmanager
def _refused(message):
    """The error that MONAI's own wraps."""
    with pytest.raises(RuntimeError) as raised:
        yield
    assert re.search(message, str(input_error_in(raised.value)))


@pytest.fixture
def data(tiny_phantom, tmp_path):
    """A copy that may be changed."""
    verification._said.clear()
    return shutil.copytree(tiny_phantom.parent, tmp_path / "data") / "dataset.json"


def _change(data, key, *, split="labeled"):
    """Renumber a label, or put noise in an image's place."""
    entry = json.loads(data.read_text())[split][0]
    path = data.parent / entry[key]
    values = np.asarray(nib.load(path).dataobj)
    noise = np.random.default_rng(0).random(values.shape).astype(np.float32)
    new = np.where(values > 0, 5 - values, 0).astype(np.uint8) if key == "label" else noise
    nib.save(nib.Nifti1Image(new, np.eye(4)), path)
    return f"{key} of '{entry['case']}' holds something else"


def said(capsys):
    """All that was printed and logged."""
    return "".join(capsys.readouterr())


STARTS = {
    "train": (("train",), BUNDLE, TINY, "train#trainer"),
    "pretrain": (("train",), MIP, PRETRAINED, "train#trainer"),
    "finetune": (("finetune",), MIP, TUNED, "train#trainer"),
    "evaluate": (("train", "evaluate"), BUNDLE, TINY, "test#evaluator"),
    "cost": (("train",), BUNDLE, TINY, "train#trainer"),
}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("key", ["image", "label"])
def test_nothing_starts_with_changed_files_unless_it_is_meant(data, tmp_path, start, key, capsys):
    files, bundle, small, needed = STARTS[start]
    told = _change(data, key)
    places = paths(data, tmp_path / "run")
    with _refused(REFUSED):
        workflow(*files, bundle=bundle, **small, **places).initialize()
    assert not (tmp_path / "run").exists()
    flow = workflow(*files, bundle=bundle, **small, **places, data_changed=True)
    flow.initialize()
    assert flow.parser.get_parsed_content(needed) is not None
    assert told in said(capsys)


def test_a_probe_looks_too(data, tmp_path):
    told = _change(data, "label", split="validation")
    given = {"run_dir": str(tmp_path / "none"), "dataset_dir": str(data.parent)}
    flow = workflow("probe", bundle=MIP, **given)
    flow.initialize()
    with _refused(told):
        flow.parser.get_parsed_content("probe")
    flow = workflow("probe", bundle=MIP, **given, data_changed=True)
    flow.initialize()
    assert flow.parser.get_parsed_content("cohort").changes


@pytest.fixture
def trained(data, tmp_path):
    """A run of one epoch."""
    run("train", **TINY, **paths(data, tmp_path / "run"))
    return tmp_path / "run"


def _record(folder):
    return json.loads((folder / "run.json").read_text())


def test_a_resumed_run_says_what_changed_and_keeps_it(data, trained, capsys):
    before = _record(trained)
    assert before["dataset"]["changes"] == []
    again = TINY | paths(data, trained) | {"resume": True}
    label = data.parent / json.loads(data.read_text())["labeled"][0]["label"]
    original = label.read_bytes()
    told = _change(data, "label")
    with _refused(told):
        run("train", **again | {"epochs": 2})
    assert _record(trained) == before
    run("train", **again | {"epochs": 2, "data_changed": True})
    assert told in said(capsys)
    record = _record(trained)
    assert told in record["dataset"]["changes"][0]
    assert record["resumed"][0]["changes"] == record["dataset"]["changes"]
    assert record["dataset"]["identity"] != before["dataset"]["identity"]
    assert record["dataset"]["hash"] == before["dataset"]["hash"]  # of images
    assert json.loads((trained / "config.json").read_text())["data_changed"] is False
    verification._said.clear()
    with _refused(told):
        run("train", **again | {"epochs": 3})
    label.write_bytes(original)
    more = _change(data, "image", split="unlabeled")
    run("train", **again | {"epochs": 3, "data_changed": True})
    record = _record(trained)
    changes = record["dataset"]["changes"]
    assert [own in text for own, text in zip((told, more), changes, strict=True)] == [True, True]
    assert [len(again["changes"]) for again in record["resumed"]] == [1, 1]


def _prepare_again(data):
    """Record what is there, as ``prepare`` does."""
    write_cohort(read_cohort(data, data_changed=True))


def test_data_prepared_anew_are_no_way_around(data, trained, capsys):
    _change(data, "label")
    _prepare_again(data)
    again = TINY | paths(data, trained) | {"resume": True, "epochs": 2}
    message = r"last\.pt: trained on labels that hold something else in this data set"
    with _refused(message):
        run("train", **again)
    run("train", **again, data_changed=True)
    assert "it was trained on other labels until there" in said(capsys)


def test_another_split_is_never_meant(data, trained):
    content = json.loads(data.read_text())
    content["labeled"].append(content["test"].pop())
    data.write_text(json.dumps(content))
    again = TINY | paths(data, trained) | {"resume": True, "epochs": 2, "data_changed": True}
    with _refused("by another split than this data set"):
        run("train", **again)


def test_runs_on_data_without_records_go_on(data, tmp_path):
    content = json.loads(data.read_text())
    del content["files"]
    data.write_text(json.dumps(content))
    places = paths(data, tmp_path / "run")
    run("train", **TINY, **places)
    run("train", **TINY | {"epochs": 2}, **places, resume=True)
    assert len(_record(tmp_path / "run")["resumed"]) == 1
