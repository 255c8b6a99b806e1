"""Segmentation and registration over iterations: recorded by a run, drawn of it."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.configuration import registration_items
from gemini_monai.data import read_cohort
from gemini_monai.inference import RegistrationScores
from gemini_monai.inference.trained_run import TrainedRun
from gemini_monai.study.analyses import track


def test_a_run_tells_both(trained):
    found = track(trained)
    assert [row["iteration"] for row in found.rows] == [2, 4]
    assert all(0 <= row[name] <= 1 for row in found.rows for name in list(row)[1:])
    assert found.rows[0]["not moved"] == found.rows[1]["not moved"]
    assert found.sentences[0].startswith("segmentation: Dice ")
    assert len(found.figure.axes[0].lines) == 3


def test_what_is_recorded_is_what_its_network_scores_on_validation_images(trained, tiny_phantom):
    """The phantom has two, so both directions of one pair; the last average is kept beside."""
    cohort, own = read_cohort(tiny_phantom), TrainedRun.open(trained)
    saved = torch.load(trained / "models" / "last.pt")["learner"]
    prefix = "average.module."
    weights = {k.removeprefix(prefix): v for k, v in saved.items() if k.startswith(prefix)}
    own.network.load_state_dict(weights)
    scores = RegistrationScores(
        network=own.network,
        data=registration_items(cohort.validation, own.spec),
        folder=trained,
        spec=own.spec,
        max_pairs=1,
    )
    with (trained / "monitor.csv").open(newline="") as file:
        last = list(csv.DictReader(file))[-1]
    for name, value in scores.means().items():
        assert float(last[name]) == pytest.approx(value, abs=1e-6)
    assert not (trained / "registration.csv").exists()


def test_a_method_that_does_not_register_is_refused(trained):
    with pytest.raises(InputError, match="no Dice of registration .* a method that registers"):
        track(trained / "supervised")


def test_an_epoch_without_validation_is_left_out(trained, tmp_path, monkeypatch):
    for name in ("run.json", "validation.csv", "monitor.csv"):
        (tmp_path / name).write_text((trained / name).read_text())
    lines = (tmp_path / "validation.csv").read_text().splitlines()
    (tmp_path / "validation.csv").write_text("\n".join([lines[0], lines[-1]]) + "\n")
    found = track(tmp_path)
    assert np.isnan(found.rows[0]["segmentation"])
    assert found.sentences[0].endswith(f"the best {100 * found.rows[1]['segmentation']:.1f} at 4")
