"""Rounds: what a later one may go on from, and what its record says."""

from __future__ import annotations

import hashlib
import json

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.runs import refuse_other_round, round_of
from tests.commands.calls import used_run

SETTINGS = {"structures": ["heart", "lung"], "label_values": [0, 1, 2], "overlapping": False}
SETTINGS |= {"channels": [4, 8], "feature_channels": None}


def _refused(run, match, *, held_out=(), **changed):
    with pytest.raises(InputError, match=match):
        refuse_other_round(
            run,
            SETTINGS | changed,
            architecture=["channels", "feature_channels"],
            held_out=held_out,
        )


def test_other_structures_and_other_networks_are_named(tmp_path):
    run = used_run(tmp_path / "run", settings=SETTINGS)
    refuse_other_round(run, SETTINGS | {"channels": (4, 8)}, architecture=["channels"], held_out=[])
    names = r"structures \['heart', 'lung'\], this training has \['heart', 'liver'\]"
    _refused(run, rf"run: trained with {names}", structures=["heart", "liver"])
    _refused(run, "trained with channels .* --pretrained takes the backbone", channels=[8, 16])
    _refused(run, "trained with label_values", label_values=[0, 1, 4])


def test_runs_that_are_none_and_of_another_purpose(tmp_path):
    _refused(tmp_path / "none", "none: no such run folder")
    other = used_run(tmp_path / "pre", settings=SETTINGS, task="pre-training")
    _refused(other, "a run for pre-training, expected one for segmentation")
    (used_run(tmp_path / "bare", settings=SETTINGS) / "models" / "model.pt").unlink()
    _refused(tmp_path / "bare", "no such weights file")


def test_a_label_that_was_trained_on_is_not_tested_on(tmp_path):
    run = used_run(tmp_path / "run", settings=SETTINGS, labels_seen=["a", "b"])
    _refused(run, r"was trained on the label of case 'b'.*--after DST", held_out=["c", "b"])
    refuse_other_round(run, SETTINGS, architecture=[], held_out=["c"])


def test_a_record_names_the_round_before_and_every_label_that_was_seen(tmp_path):
    assert round_of(None, labeled=["b", "a"]) == {"round": 1, "labels_seen": ["a", "b"]}
    run = used_run(tmp_path / "run", round=2, labels_seen=["z"])
    (run / "models" / "model.pt").write_bytes(b"weights")
    said = round_of(run, labeled=["a"])
    assert said["round"] == 3
    assert said["labels_seen"] == ["a", "z"]
    digest = hashlib.sha256(b"weights").hexdigest()
    assert said["continued_from"] == {"path": str(run), "round": 2, "sha256": digest}
    assert round_of(used_run(tmp_path / "early"), labeled=[])["round"] == 2


def test_a_record_that_cannot_be_is_refused(tmp_path):
    run = used_run(tmp_path / "run", round=0)
    with pytest.raises(InputError, match="key 'round': expected a whole number, 1 or more"):
        round_of(run, labeled=[])
    content = json.loads((run / "run.json").read_text()) | {"round": 1, "labels_seen": [3]}
    (run / "run.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="key 'labels_seen'"):
        round_of(run, labeled=[])
