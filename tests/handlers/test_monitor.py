"""The monitor: closed forms, the alarm, and runs that go on."""

from __future__ import annotations

import csv
import logging

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from torch import nn

from gemini_monai.handlers import CorrespondenceMonitor
from gemini_monai.networks import Correspondence
from gemini_monai.runs import pairs_match


class _Fixed(nn.Module):
    """Gives these features (B, K, H, W), and moves the first image by ``shift`` rows, the second
    by as many the other way; ``back`` is the share of it that the way back goes."""

    def __init__(self, features, shift=0.0, back=1.0):
        super().__init__()
        self.features = features
        self.shift = shift
        self.back = back

    def correspond(self, image_a, image_b=None):
        ddf = torch.zeros(len(image_a), 2, *image_a.shape[2:])
        ddf[0::2, 0], ddf[1::2, 0] = self.shift, -self.shift
        return Correspondence(self.features, self.features, ddf, -self.back * ddf)


SPREAD = torch.randn(2, 16, 20, 20, generator=torch.Generator().manual_seed(0))
CONSTANT = torch.ones(2, 16, 20, 20) + 1e-3 * SPREAD
ONE_DIRECTION = SPREAD[:, :1] * torch.ones(1, 16, 1, 1)
FIRST = torch.rand(1, 20, 20, generator=torch.Generator().manual_seed(1))
IMAGES = torch.stack([FIRST, FIRST.roll(-5, dims=1)])


def _look(folder, features, **options):
    monitor = CorrespondenceMonitor(folder, network=_Fixed(features, **options), images=IMAGES)
    return monitor.look("cpu")


def test_a_shift_leaves_its_share_outside(tmp_path):
    found = _look(tmp_path, SPREAD, shift=5.0)
    assert found["inbounds_percent"] == pytest.approx(75)
    assert found["folding_percent"] == 0


def test_spread_features_are_told_from_collapsed_ones(tmp_path):
    spread, constant, line = (_look(tmp_path, f) for f in (SPREAD, CONSTANT, ONE_DIRECTION))
    assert spread["feature_std"] == pytest.approx(1, abs=0.1)
    assert spread["collapse"] < 0.1
    assert constant["feature_std"] < 0.01
    assert line["collapse"] > 0.9


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_features_that_diverged_are_a_row_and_the_checkpoint_says_so(tmp_path, value):
    found = _look(tmp_path, SPREAD * value)
    assert np.isnan(found["collapse"])


def test_a_field_that_registers_is_seen_to(tmp_path):
    found = _look(tmp_path, SPREAD, shift=5.0)
    assert found["displacement"] == 5
    assert found["similarity_after"] > 0.8 > 0.3 > found["similarity_before"]
    assert found["inverse_error"] < 0.1
    assert pairs_match(found) is True


def test_a_field_that_does_not_is_unmatched(tmp_path):
    wrong_way = _look(tmp_path, SPREAD, shift=-5.0)
    assert wrong_way["similarity_after"] < 0.3
    assert pairs_match(wrong_way) is False
    one_way = _look(tmp_path, SPREAD, shift=5.0, back=-0.5)
    assert one_way["inverse_error"] == pytest.approx(7.5)
    assert pairs_match(one_way) is False
    assert pairs_match(_look(tmp_path, SPREAD)) is False
    assert pairs_match({"feature_std": 1.0, "collapse": 0.0}) is None


def _run(folder, features, *, epochs=2, start=0, shift=5.0):
    engine = Engine(lambda engine, batch: None)
    engine.state.device = "cpu"
    monitor = CorrespondenceMonitor(folder, network=_Fixed(features, shift), images=IMAGES)
    monitor.attach(engine)
    if start:
        engine.load_state_dict({"iteration": start, "max_epochs": epochs, "epoch_length": 3})
    engine.run([0, 1, 2], max_epochs=epochs)
    with (folder / "monitor.csv").open(newline="") as file:
        return [row["iteration"] for row in csv.DictReader(file)]


@pytest.mark.parametrize("features", [CONSTANT, ONE_DIRECTION])
def test_a_collapse_is_explained_in_the_log(tmp_path, caplog, features):
    with caplog.at_level(logging.WARNING):
        _run(tmp_path, features)
    assert "features are nearly alike everywhere" in caplog.text
    assert "positive_start" in caplog.text


def test_pairs_that_do_not_match_are_told_from_half_time_on(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        _run(tmp_path, SPREAD, epochs=3, shift=-5.0)
    told = [record.message for record in caplog.records]
    assert [text.split(":")[0] for text in told] == ["iteration 6", "iteration 9"]
    assert all("pairs do not match" in text for text in told)


def test_healthy_features_are_silent(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        assert _run(tmp_path, SPREAD) == ["3", "6"]
    assert caplog.text == ""


def test_a_run_that_goes_on_keeps_its_rows(tmp_path):
    _run(tmp_path, SPREAD)
    assert _run(tmp_path, SPREAD, epochs=3, start=6) == ["3", "6", "9"]
