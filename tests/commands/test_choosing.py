"""``gemini choose``: from a folder without labels to a prepared data set."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.choosing import FEATURES, STRATEGIES, choose
from gemini_monai.commands import choosing
from gemini_monai.data import read_cohort
from tests.commands.calls import call, refused
from tests.data.prepare.made import folder, label, save


def test_two_rounds_from_a_folder_without_labels(monkeypatch, tmp_path, capsys):
    source = folder(tmp_path, images=9, labels=0)
    data, again = tmp_path / "data", tmp_path / "again"
    call(monkeypatch, "prepare", "folder", source, data)
    call(monkeypatch, "choose", data, 2)
    written = {path.name for path in (data / "chosen").iterdir()}
    assert written == set(choosing.FILES)
    table = data / "chosen" / "labeled_from.csv"
    cases = [row["case"] for row in csv.DictReader(table.open())]
    assert all(f"{case}: stands for" in capsys.readouterr().out for case in cases[:1])
    words = ["prepare", "folder", source, again, "--labeled_from", table]
    assert f"no label file of {cases[0]}, {cases[1]}" in refused(monkeypatch, capsys, *words)
    for case in cases:
        save(source / "labels" / f"{case}.nii.gz", label())
    call(monkeypatch, *words)
    assert [entry["case"] for entry in read_cohort(again / "dataset.json").labeled] == cases
    call(monkeypatch, "choose", data, 3, "--labeled_already", table, "--output", tmp_path / "more")
    more = [row["case"] for row in csv.DictReader((tmp_path / "more" / "chosen.csv").open())]
    assert len(set(more)) == 3
    assert not set(more) & set(cases)
    listed = (tmp_path / "more" / "labeled_from.csv").read_text().split()[1:]
    assert set(listed) == {*cases, *more}


def test_names_may_stand_on_the_command_line(monkeypatch, tmp_path, capsys):
    call(monkeypatch, "prepare", "folder", folder(tmp_path, images=6, labels=0), tmp_path / "data")
    words = ["choose", tmp_path / "data", 4, "--labeled_already", "case0, case5"]
    call(monkeypatch, *words, "--strategy", "typical", "--features", "histogram")
    rows = csv.DictReader((tmp_path / "data" / "chosen" / "chosen.csv").open())
    assert {row["case"] for row in rows} == {"case1", "case2", "case3", "case4"}
    capsys.readouterr()
    assert "chosen.csv: is there already" in refused(monkeypatch, capsys, *words)


def test_a_scan_like_no_other_is_told_and_not_chosen(monkeypatch, tmp_path, capsys):
    source = folder(tmp_path, images=20, labels=0, shape=(16, 16))
    odd = np.zeros((16, 16), dtype=np.uint8)
    odd[:3] = 200
    save(source / "images" / "odd.nii.gz", odd)
    call(monkeypatch, "prepare", "folder", source, tmp_path / "data")
    call(monkeypatch, "choose", tmp_path / "data", 20, "--features", "thumbnail")
    assert "1 scan(s) stand out" in capsys.readouterr().out
    rows = csv.DictReader((tmp_path / "data" / "chosen" / "outstanding.csv").open())
    assert [row["case"] for row in rows] == ["odd"]
    with pytest.raises(InputError, match=r"20 scan\(s\) to choose from, got N 21; .* 1 stand out"):
        choose(tmp_path / "data", 21, features="thumbnail")


def test_scans_whose_label_is_not_used_count_as_labeled(monkeypatch, tmp_path, capsys):
    data = tmp_path / "data"
    source = folder(tmp_path, images=8, labels=5)
    call(monkeypatch, "prepare", "folder", source, data, "--labeled", 2)
    call(monkeypatch, "choose", data, 3, "--features", "thumbnail")
    assert "3 scan(s) have a label file that the split does not use" in capsys.readouterr().out
    rows = csv.DictReader((data / "chosen" / "chosen.csv").open())
    assert {row["case"] for row in rows} == {"case5", "case6", "case7"}
    with pytest.raises(InputError, match=r"3 scan\(s\) without a label to choose from, got N 4"):
        choose(data, 4, features="thumbnail")
    assert len(choose(data, 6, features="thumbnail", unused_labels="choose").cases) == 6


def test_a_folder_of_images_is_to_be_prepared(monkeypatch, tmp_path, capsys):
    source = folder(tmp_path)
    assert "prepare the data first" in refused(monkeypatch, capsys, "choose", source, 2)


def test_the_words_of_the_help_are_those_there_are():
    assert tuple(STRATEGIES) == choosing.STRATEGIES
    assert choosing.FEATURES == FEATURES
