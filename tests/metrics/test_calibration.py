"""Calibration: closed forms, MONAI's metric, and more voxels than single precision counts."""

from __future__ import annotations

import math

import pytest
import torch
from monai.metrics import CalibrationErrorMetric

from gemini_monai.metrics import calibration, calibration_errors


def _logit(probability):
    return math.log(probability / (1 - probability))


@pytest.mark.parametrize("shape", [(10, 20), (5, 8, 5)])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_a_constant_probability_is_off_by_its_distance_to_the_share(shape, share):
    truth = (torch.arange(200) < 200 * share).float().view(1, *shape)
    overlapping = torch.full_like(truth, _logit(0.3))
    found = calibration_errors(overlapping, truth, overlapping=True)
    assert found.tolist() == pytest.approx([abs(0.3 - share)], abs=1e-6)
    classes = torch.cat([torch.zeros_like(truth), overlapping])  # softmax of (0, x): sigmoid of x
    found = calibration_errors(classes, truth, overlapping=False)
    assert found.tolist() == pytest.approx([abs(0.3 - share)], abs=1e-6)


def test_two_bins_weigh_what_lies_in_them():
    truth = torch.tensor([[[1.0] * 6 + [0.0] * 2]])
    logits = torch.tensor([[[_logit(0.9)] * 6 + [_logit(0.2)] * 2]])
    found = calibration_errors(logits, truth, overlapping=True)
    assert found.item() == pytest.approx((6 * 0.1 + 2 * 0.2) / 8, abs=1e-6)


@pytest.mark.parametrize("shape", [(17, 19), (9, 7, 8)])
@pytest.mark.parametrize("at_once", [50, 2**16])
def test_it_is_monais_metric(shape, at_once, monkeypatch):
    monkeypatch.setattr(calibration, "AT_ONCE", at_once)
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(4, *shape, generator=generator)
    truth = torch.randint(0, 4, (1, *shape), generator=generator)
    onehot = torch.cat([truth == k for k in range(4)]).float()
    metric = CalibrationErrorMetric(include_background=False, metric_reduction="none")
    expected = metric(logits.softmax(0)[None], onehot[None])[0].double()
    found = calibration_errors(logits, truth.float(), overlapping=False)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)
    metric = CalibrationErrorMetric(metric_reduction="none")
    expected = metric(logits.sigmoid()[None], onehot[None])[0].double()
    found = calibration_errors(logits, onehot, overlapping=True)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("overlapping", [True, False])
def test_ignored_voxels_do_not_count(overlapping):
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(2, 8, 8, generator=generator)
    truth = torch.randint(0, 2, (2 if overlapping else 1, 8, 8), generator=generator).float()
    cut = [own[:, :5] for own in (logits, truth)]
    truth[:, 5:] = -1
    found = calibration_errors(logits, truth, overlapping=overlapping)
    assert torch.equal(found, calibration_errors(*cut, overlapping=overlapping))
    assert calibration_errors(logits, truth.fill_(-1), overlapping=overlapping).isnan().all()


def test_more_voxels_of_a_bin_than_single_precision_counts_are_counted():
    """MONAI alone says 0.0156 of a hundredth, and counts 2^24 of one and a half times as many."""
    size = (1, 2**12, 2**12 + 2**11)
    logits = torch.full((1, 1, 1), _logit(0.01)).expand(size)
    found = calibration_errors(logits, torch.zeros(1, 1, 1).expand(size), overlapping=True)
    assert found.item() == pytest.approx(0.01, rel=1e-3)


def test_another_grid_is_refused():
    with pytest.raises(ValueError, match="must have one grid"):
        calibration_errors(torch.zeros(2, 4, 4), torch.zeros(1, 4, 5), overlapping=False)
