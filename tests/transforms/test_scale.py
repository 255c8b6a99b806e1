"""Scaling: what MONAI's transforms do, each channel by itself, and never outside of [0, 1]."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms import (
    Lambdad,
    ScaleIntensityRanged,
    ScaleIntensityRangePercentilesd,
    Spacingd,
)

from gemini_monai.base.errors import InputError, input_error_in
from gemini_monai.data.cache import transform_key
from gemini_monai.transforms import InputSpec, ScaleChannelsd, preprocessing
from tests.data.prepare.made import save

PERCENTILE = {"kind": "percentile", "lower": 0.5, "upper": 99.5}
RANGE = {"kind": "range", "lower": -0.5, "upper": 1.5}
RANGES = (2000.0, 800.0, 100.0, 15.0)
"""Of four MR sequences of one head."""
UNIT = {"b_min": 0.0, "b_max": 1.0, "clip": True}


def _sequences(shape=(12, 10, 8)):
    values = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    return MetaTensor(torch.stack([greatest * values.roll(k) for k, greatest in enumerate(RANGES)]))


def _scaled(image, **options):
    return ScaleChannelsd("image", **options)({"image": image})["image"]


@pytest.mark.parametrize("shape", [(1, 30, 20), (3, 20, 20), (4, 8, 9, 10), (1, 101, 100, 100)])
def test_one_rule_is_monais_of_all_channels_or_of_each(shape):
    image = MetaTensor(torch.randn(shape), affine=torch.diag(torch.tensor([2.0, 3.0, 1.0, 1.0])))
    bounds = PERCENTILE["lower"], PERCENTILE["upper"]
    for color, channel_wise in ((True, False), (False, True)):
        theirs = ScaleIntensityRangePercentilesd(
            "image", *bounds, channel_wise=channel_wise, **UNIT
        )
        ours = _scaled(image, intensity=PERCENTILE, color=color)
        assert torch.equal(ours.as_tensor(), theirs({"image": image})["image"].as_tensor())
        assert torch.equal(ours.affine, image.affine)
        theirs = ScaleIntensityRanged("image", RANGE["lower"], RANGE["upper"], **UNIT)
        ours = _scaled(image, intensity=RANGE, color=color)
        assert torch.equal(ours.as_tensor(), theirs({"image": image})["image"].as_tensor())


def test_sequences_of_other_ranges_fill_the_same_one_and_colors_keep_theirs():
    each = _scaled(_sequences(), intensity=PERCENTILE)
    for channel in each:
        assert (float(channel.min()), float(channel.max())) == (0, 1)
        assert 0.4 < float(channel.mean()) < 0.6
    together = _scaled(_sequences(), intensity=PERCENTILE, color=True)
    assert float(together[3].max()) < 0.02


def test_a_rule_a_channel_is_that_channels():
    image = MetaTensor(torch.randn(2, 20, 20))
    for rules in ([PERCENTILE, RANGE], [RANGE, PERCENTILE]):
        for color in (True, False):
            found = _scaled(image, intensity=rules, color=color)
            alone = [_scaled(image[k : k + 1], intensity=rule) for k, rule in enumerate(rules)]
            assert torch.equal(found.as_tensor(), torch.cat(alone).as_tensor())
    with pytest.raises(InputError, match=r"intensity: lists 2 rule\(s\), images have 3 channel"):
        _scaled(MetaTensor(torch.rand(3, 4, 4)), intensity=[RANGE, RANGE])


@pytest.mark.parametrize("background", [0.0, -1000.0, 300.0])
@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_mostly_one_value_is_scaled_too(background, channels):
    image = torch.full((channels, 60, 60), background)
    image[:, 30, 30:40] = torch.linspace(100, 200, 10)
    found = _scaled(MetaTensor(image), intensity=PERCENTILE)
    assert (float(found.min()), float(found.max())) == (0, 1)
    assert len(found[0, 30, 30:40].unique()) >= 9  # the vessel is not one value


def _spec(**options):
    defaults = {"spatial_dims": 3, "in_channels": 4, "spatial_size": (12, 10, 8)}
    return InputSpec(**defaults | {"intensity": PERCENTILE} | options)


def _file(tmp_path, values, name="a.nii.gz"):
    save(tmp_path / name, np.moveaxis(np.asarray(values), 0, -1))
    return {"image": str(tmp_path / name)}


def test_a_spec_that_does_not_say_it_has_one_scale_as_earlier_runs_had(tmp_path):
    item = _file(tmp_path, _sequences())
    old = preprocessing(InputSpec.of(_spec().settings() | {"color": True}))(item)["image"]
    assert float(old[3].max()) < 0.02
    recorded = {k: v for k, v in _spec().settings().items() if k != "color"}
    again = preprocessing(InputSpec.of(recorded))(item)["image"]
    assert torch.equal(again.as_tensor(), old.as_tensor())
    new = preprocessing(InputSpec.of(recorded, color=False))(item)["image"]
    assert float(new[3].max()) == 1


def test_rules_for_other_channels_are_refused_before_anything_is_read():
    with pytest.raises(InputError, match=r"key 'intensity': lists 2 rule\(s\), images have 4"):
        _spec(intensity=[PERCENTILE, RANGE])


@pytest.mark.parametrize("fit", [False, True])
@pytest.mark.parametrize("spacing", [None, (0.7, 1.3, 1.0)])
def test_nothing_is_outside_of_zero_to_one(tmp_path, spacing, fit):
    """Splines overshoot, margins are padded, percentiles are passed by single voxels."""
    values = _sequences((14, 9, 8)) - 300
    values[0, 3, 3, 3] = 1e7
    spline = [Spacingd("image", pixdim=(0.9, 0.9, 0.9), mode=3, padding_mode="reflect")]
    for rules in (PERCENTILE, RANGE, [PERCENTILE, RANGE] * 2):
        spec = _spec(intensity=rules, spacing=spacing, before=spline, color=False)
        found = preprocessing(spec, keys=["image"], fit=fit)(_file(tmp_path, values))["image"]
        assert found.dtype == torch.float32
        assert 0 <= float(found.min()) <= float(found.max()) <= 1


@pytest.mark.parametrize(
    ("changes", "channel", "message"),
    [
        ({}, "same", r"a\.nii\.gz: channel 2 of 4: constant, every value is 5"),
        ({"color": True}, "nan", r"a\.nii\.gz: holds values that are not finite"),
        ({"before": [Lambdad("image", func=torch.log)]}, "zero", r"a\.nii\.gz: .* not finite"),
        ({"after": [Lambdad("image", func=torch.log)]}, "zero", r"not finite .* after transforms"),
        (
            {"intensity": PERCENTILE | {"upper": 100}},
            "huge",
            r"a\.nii\.gz: .* finite .* once scaled",
        ),
    ],
)
def test_what_cannot_be_scaled_is_named_with_its_file(tmp_path, changes, channel, message):
    values = _sequences().as_tensor() + 1
    fill = {"same": 5.0, "nan": float("nan"), "zero": 0.0, "huge": 3e38}[channel]
    values[1, : None if channel == "same" else 1] = fill
    if channel == "huge":
        values[1, 1] = -3e38
    spec = _spec(**{"color": False} | changes)
    with pytest.raises(RuntimeError) as raised:
        preprocessing(spec, keys=["image"])(_file(tmp_path, values))
    assert re.search(message, str(input_error_in(raised.value)))


def test_a_cache_knows_one_scale_from_another():
    options = ({}, {"color": False}, {"intensity": RANGE}, {"intensity": [PERCENTILE] * 4})
    keys = {transform_key(preprocessing(_spec(**own)).transforms) for own in options}
    assert len(keys) == len(options)
