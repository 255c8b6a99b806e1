"""Texts and names that somebody sent: releases, cards, data sets."""

from __future__ import annotations

import json
import re
import zipfile

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.study.benchmark import GridSpec, grid_runs
from gemini_monai.weights import package_bundle
from tests.bundles.received import payload, received, spoil, touched
from tests.bundles.runs import BUNDLE, SMALL, paths, run
from tests.data.prepare.made import folder

__all__ = ["payload", "received", "touched"]

RELEASES = [
    ({"title": "PAYLOAD"}, "title: .* would be evaluated"),
    ({"authors": "$import h3_sent"}, "authors: .* would be evaluated"),
    ({"tags": ["a", "@b"]}, "tags: '@b' would be evaluated"),
    ({"changelog": {"1.0": "%x.json::y"}}, "changelog: 1.0: .* would be evaluated"),
    ({"description": "a <script>alert(1)</script>"}, "description': expected Markdown without"),
    ({"usage": "<img src=x onerror=alert(1)>"}, "expected Markdown without HTML"),
    ({"data": "[a](javascript:alert(1))"}, "data': expected Markdown without HTML or scripts"),
    ({"data": "[a](&#106;avascript:alert(1))"}, "expected Markdown without"),
    ({"data": "[a]: data:text/html,x"}, "expected Markdown without"),
    ({"version": "1/../../x", "changelog": {"1/../../x": "a"}}, "expected a version such as"),
]


@pytest.mark.parametrize(("said", "message"), RELEASES, ids=range(len(RELEASES)))
def test_no_field_of_a_release_runs(received, tmp_path, payload, touched, said, message):
    text = json.dumps(said).replace('"PAYLOAD"', json.dumps(payload))
    (received / "release.json").write_text(text)
    with pytest.raises(InputError, match=message):
        package_bundle(BUNDLE, received, output=tmp_path / "deep" / "zip")
    assert not touched.exists()
    assert not list(tmp_path.rglob("*.zip"))


def test_a_card_has_no_markup_of_a_record(received, tmp_path):
    evil = "<script>alert(1)</script>\n# h\n| a | `b` [c](javascript:d)"
    (received / "release.json").write_text(
        json.dumps({"title": "**Mine**, see [here](https://x.y/a:b) and [this](usage.md#a)"})
    )
    scores = json.loads((received / "test" / "segmentation.json").read_text())
    scores["structures"] = {evil: next(iter(scores["structures"].values()))}
    (received / "test" / "segmentation.json").write_text(json.dumps(scores))
    data = {"name": evil, "license": evil, "hash": evil, "structures": [evil], "cases": {evil: 1}}
    change = {"method": evil, "dataset": data, "device": evil, "versions": {evil: evil}}
    spoil(received, change | {"command": f"x.py '{evil}\n```\n<script>'"})
    archive = package_bundle(BUNDLE, received, output=tmp_path)
    with zipfile.ZipFile(archive) as file:
        card = file.read("gemini_semi/docs/README.md").decode()
    assert card.startswith("# **Mine**, see [here](https://x.y/a:b) and [this](usage.md#a)\n")
    outside = card.split("```")  # a command stands between two fences, as it was typed
    assert len(outside) % 2
    assert not [part for part in outside[::2] if re.search(r"<script|(?<!\\)\]\(javascript", part)]
    assert card.count("\n# ") == 0
    assert "&lt;script>alert(1)&lt;/script> # h \\| a \\|" in card


@pytest.mark.parametrize("key", ["name", "source", "license", "hash", "phantom", "later"])
def test_no_field_of_a_data_set_runs(tiny_phantom, tmp_path, payload, touched, key):
    content = json.loads(tiny_phantom.read_text())
    path = tmp_path / "dataset.json"
    path.write_text(
        json.dumps(content | {key: [payload] if key in ("phantom", "later") else payload})
    )
    with pytest.raises(InputError, match=rf"dataset\.json: {key}: .* would be evaluated"):
        read_cohort(path)
    assert not touched.exists()


def test_names_of_patients_and_groups_stay_data(tiny_phantom, tmp_path, payload, touched):
    content = json.loads(tiny_phantom.read_text())
    for split in ("labeled", "unlabeled", "validation", "test"):
        for number, entry in enumerate(content[split]):
            entry |= {"patient": f"{payload}{split}{number}", "group": payload}
            for key in {"image", "label", "field", "inverse_field"} & entry.keys():
                entry[key] = str(tiny_phantom.parent / entry[key])
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps(content))
    run("train", **paths(path, tmp_path / "run"), **SMALL, compare=[])
    assert not touched.exists()


def test_names_of_structures_do_not_run(tmp_path, payload, touched):
    source = folder(tmp_path, images=5, labels=3)
    for names in ({payload: 1}, {"1": payload}):
        (source / "labels.json").write_text(json.dumps(names))
        with pytest.raises(InputError, match="cannot be the name of a structure"):
            prepare_folder(source, tmp_path / "dst")
    assert not touched.exists()


def test_a_name_of_data_is_no_command_and_no_path(tiny_phantom, tmp_path):
    data = tmp_path / "a b;touch c"
    data.mkdir()
    content = json.loads(tiny_phantom.read_text()) | {"name": "../../x; touch PWNED $(id) {y}"}
    (data / "dataset.json").write_text(json.dumps(content))
    asked = GridSpec("few_labels", (data,), ("gemini",), (1,), (0,), tmp_path / "out")
    for cell in grid_runs(asked):
        assert cell.folder.parent == tmp_path / "out"
        assert cell.name.startswith("x_touch_PWNED_id_y__a_b_touch_c-")
