"""Labels that a split does not use: noted, and never opened."""

from __future__ import annotations

import json

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data import read_cohort
from gemini_monai.data.dataset_file import PREVIOUS
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.inference import scans_of
from tests.data.prepare.made import folder

WANTED = Wanted(labeled=2, validation=0, test=1)


@pytest.fixture
def prepared(tmp_path):
    """Eight images, of which six have labels and three of those are used."""
    source = folder(tmp_path, images=8, labels=6)
    path = prepare_folder(source, tmp_path / "data", wanted=WANTED)
    return source, read_cohort(path)


def test_it_is_noted_where_there_is_one_and_nowhere_else(prepared):
    _, cohort = prepared
    noted = {entry["case"]: entry.get("has_label", False) for entry in cohort.unlabeled}
    used = {entry["case"] for entry in (*cohort.labeled, *cohort.test)}
    assert len(used) == 3
    assert noted == {f"case{k}": k < 6 for k in range(8) if f"case{k}" not in used}
    assert not any("label" in entry for entry in cohort.unlabeled)
    recorded = json.loads(cohort.path.read_text())["files"]
    assert sum("labels" in file for file in recorded) == 3


def test_no_label_of_an_unlabeled_image_is_opened(prepared, tmp_path):
    source, cohort = prepared
    unused = [entry["case"] for entry in cohort.unlabeled if entry.get("has_label")]
    assert len(unused) == 3
    for case in unused:
        (source / "labels" / f"{case}.nii.gz").write_bytes(b"no label")
    again = read_cohort(prepare_folder(source, tmp_path / "again", wanted=WANTED))
    assert [e["case"] for e in again.unlabeled if e.get("has_label")] == unused
    (source / "labels" / f"{again.labeled[0]['case']}.nii.gz").write_bytes(b"no label")
    with pytest.raises(InputError, match=again.labeled[0]["case"]):
        prepare_folder(source, tmp_path / "third", wanted=WANTED)


def test_it_decides_nothing_of_a_run_and_an_earlier_file_gets_it(prepared):
    source, cohort = prepared
    content = json.loads(cohort.path.read_text())
    for entry in content["unlabeled"]:
        entry.pop("has_label", None)
    cohort.path.write_text(json.dumps(content))
    before = read_cohort(cohort.path)
    assert before.identities == cohort.identities
    prepare_folder(source, cohort.path.parent, wanted=WANTED)
    assert not cohort.path.with_name(PREVIOUS).exists()
    assert [e.get("has_label") for e in read_cohort(cohort.path).unlabeled].count(True) == 3
    content["unlabeled"][0]["has_label"] = "yes"
    cohort.path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"key 'has_label': expected True or False, got 'yes'"):
        read_cohort(cohort.path)


def test_nobody_proposes_a_label_that_is_there(prepared, capsys):
    source, cohort = prepared
    items = scans_of(cohort.path.parent)
    assert {item["case"] for item in items} == {"case6", "case7"}
    assert "3 unlabeled scan(s) have a label file" in capsys.readouterr().out
    assert len(scans_of(source / "images")) == 8
    content = json.loads(cohort.path.read_text())
    content["unlabeled"] = [e for e in content["unlabeled"] if e.get("has_label")]
    cohort.path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="no unlabeled image .*; 3 have a label file that the"):
        scans_of(cohort.path.parent)
