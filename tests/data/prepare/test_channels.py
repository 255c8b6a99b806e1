"""Channels: whether they are one color or several images is decided once, and written down."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.transforms import preprocessing
from tests.data.prepare.made import label, save

SHAPE = (12, 10, 8)


def _sequences(seed, ranges, low=0.0):
    values = np.random.default_rng(seed).random((len(ranges), *SHAPE))
    scaled = [
        low * (k == 0) + greatest * v
        for k, (greatest, v) in enumerate(zip(ranges, values, strict=True))
    ]
    return np.stack(scaled, axis=-1).astype(np.float32)


def _prepared(root, arrays, *, suffix=".nii.gz"):
    for k, array in enumerate(arrays):
        save(root / "src" / "images" / f"c{k}{suffix}", array)
    return prepare_folder(root / "src", root / "dst", wanted=Wanted(labeled=0))


def test_sequences_are_scaled_each_by_itself(tmp_path, capsys):
    path = _prepared(tmp_path, [_sequences(k, (2000, 800, 100, 15)) for k in range(3)])
    assert json.loads(path.read_text())["color"] is False
    assert "each scaled by itself" in capsys.readouterr().out
    cohort = read_cohort(path)
    image = preprocessing(cohort.input_spec(), keys=["image"])(cohort.unlabeled[0])["image"]
    for channel in image:
        assert (float(channel.min()), float(channel.max())) == (0, 1)
        assert 0.4 < float(channel.mean()) < 0.6


def test_ct_beside_pet_has_a_rule_of_its_own(tmp_path):
    path = _prepared(tmp_path, [_sequences(k, (2000, 20), low=-1000) for k in range(3)])
    cohort = read_cohort(path)
    assert [rule["kind"] for rule in cohort.intensity] == ["range", "percentile"]
    image = preprocessing(cohort.input_spec(), keys=["image"])(cohort.unlabeled[0])["image"]
    assert 0.4 < float(image[1].mean()) < 0.6


@pytest.mark.parametrize(("channels", "suffix"), [(1, ".png"), (3, ".png"), (1, ".nii.gz")])
def test_pictures_keep_their_color_and_one_channel_needs_no_word(tmp_path, channels, suffix):
    random = np.random.default_rng(0)
    shape = (12, 10) if channels == 1 else (channels, 12, 10)
    arrays = [random.integers(0, 200, shape).astype(np.uint8) for _ in range(3)]
    path = _prepared(tmp_path, arrays, suffix=suffix)
    assert "color" not in json.loads(path.read_text())
    assert read_cohort(path).input_spec().color is True


def test_a_channel_that_is_the_same_everywhere_is_named(tmp_path):
    arrays = [_sequences(k, (2000, 15)) for k in range(3)]
    arrays[1][..., 1] = 0
    with pytest.raises(InputError, match=r"c1\.nii\.gz: channel 2 of 2 is constant, every value"):
        _prepared(tmp_path, arrays)
    assert not (tmp_path / "dst").exists()


def test_what_an_earlier_version_prepared_is_seen_as_then_and_said_to_be(tmp_path, caplog):
    path = _prepared(tmp_path, [_sequences(k, (2000, 15)) for k in range(3)])
    content = json.loads(path.read_text())
    del content["color"]
    path.write_text(json.dumps(content))
    cohort = read_cohort(path)
    spec = cohort.input_spec()
    assert "percentiles are of all 2 channels together" in caplog.text
    image = preprocessing(spec, keys=["image"])(cohort.unlabeled[0])["image"]
    assert float(image[1].max()) < 0.02
    caplog.clear()
    assert cohort.input_spec(color=False).color is False
    cohort.input_spec(intensity={"kind": "range", "lower": 0, "upper": 9})
    assert not caplog.text


def test_rules_for_other_channels_are_no_data_set(tmp_path):
    path = _prepared(tmp_path, [_sequences(k, (2000, 15)) for k in range(3)])
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"intensity": [content["intensity"]] * 3}))
    with pytest.raises(InputError, match=r"dataset\.json: key 'intensity': lists 3 rule"):
        read_cohort(path)
    path.write_text(json.dumps(content | {"color": "no"}))
    with pytest.raises(InputError, match="key 'color': expected True or False"):
        read_cohort(path)


def test_sequences_with_labels_beside_them_are_prepared(tmp_path):
    for k in range(3):
        save(tmp_path / "src" / "labels" / f"c{k}.nii.gz", label(SHAPE))
    for k in range(5):
        save(tmp_path / "src" / "images" / f"c{k}.nii.gz", _sequences(k, (2000, 15)))
    cohort = read_cohort(prepare_folder(tmp_path / "src", tmp_path / "dst"))
    item = preprocessing(cohort.input_spec(), fit=True)(cohort.labeled[0])
    assert item["image"].shape[0] == 2
    assert item["label"].shape[0] == 1
