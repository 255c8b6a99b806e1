"""The cache on disk: computed once, found again, never stale."""

from __future__ import annotations

import os
from collections import namedtuple

import numpy as np
import pytest
import torch
from monai.data.dataset import CacheDataset, PersistentDataset
from monai.transforms import Compose, Lambdad, Orientationd, ScaleIntensityRanged, Spacingd
from torch.utils.data import DataLoader

from gemini_monai.data import IterationDataset, Labeled, Pairs
from gemini_monai.data.cache import HALF_ERROR, cached, item_key, transform_key
from gemini_monai.errors import InputError
from gemini_monai.transforms import LoadScand
from tests.data.prepare.made import image, label, save

SHAPE = (12, 10, 8)


def _transform(*, upper=200.0, spacing=1.5):
    return Compose(
        [
            LoadScand(["image", "label"], spatial_dims=3, in_channels=1, allow_missing_keys=True),
            Orientationd(["image", "label"], "RAS", allow_missing_keys=True),
            Spacingd(
                ["image", "label"],
                [spacing] * 3,
                mode=["bilinear", "nearest"],
                allow_missing_keys=True,
            ),
            ScaleIntensityRanged("image", 0, upper, 0, 1, clip=True),
        ]
    )


@pytest.fixture
def items(tmp_path):
    found = []
    for k in range(3):
        paths = {key: tmp_path / f"{key}{k}.nii.gz" for key in ("image", "label")}
        save(paths["image"], image(k, SHAPE))
        save(paths["label"], label(SHAPE))
        found.append({"case": f"c{k}", **{key: str(path) for key, path in paths.items()}})
    return found


@pytest.fixture
def decoded(monkeypatch):
    """Files that were read, in order."""
    from gemini_monai.transforms import load

    files, original = [], load.read

    def count(path):
        files.append(path)
        return original(path)

    monkeypatch.setattr(load, "read", count)
    return files


def test_without_a_folder_it_is_monais_cache_in_memory(items):
    dataset = cached(items, _transform(), cache_rate=1.0)
    assert type(dataset) is CacheDataset
    assert dataset.cache_num == 3


def test_items_are_computed_once_and_are_those_of_memory_to_half_precision(
    items, decoded, tmp_path, capsys
):
    memory = cached(items, _transform())
    disk = cached(items, _transform(), cache_dir=tmp_path / "cache")
    assert isinstance(disk, PersistentDataset)
    assert "GiB for 2 of 3 items to come" in capsys.readouterr().out
    first = [disk[k] for k in range(3)]
    decoded.clear()
    again = cached(items, _transform(), cache_dir=tmp_path / "cache")
    for k in range(3):
        for key in ("image", "label"):
            assert again[k][key].dtype == torch.float32
            assert torch.equal(again[k][key], first[k][key])
            torch.testing.assert_close(again[k][key].affine, memory[k][key].affine)
        difference = (again[k]["image"] - memory[k]["image"]).abs().max()
        assert 0 < difference < HALF_ERROR
        assert torch.equal(again[k]["label"], memory[k]["label"])
        assert again[k]["case"] == f"c{k}"
    assert decoded == []
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_values_that_half_precision_would_change_stay_single(items, tmp_path):
    wide = Compose([_transform(), Lambdad("image", lambda x: 60_000 + x)])
    item = cached(items, wide, cache_dir=tmp_path / "cache")[1]
    expected = cached(items, wide)[1]
    assert torch.equal(item["image"], expected["image"])


def test_another_file_or_transform_is_computed_anew(items, tmp_path):
    folder = tmp_path / "cache"
    before = cached(items, _transform(), cache_dir=folder)[0]["image"]
    for change in ({"upper": 100.0}, {"spacing": 1.0}):
        other = cached(items, _transform(**change), cache_dir=folder)[0]["image"]
        expected = cached(items, _transform(**change))[0]["image"]
        assert other.shape == expected.shape
        assert (other - expected).abs().max() < HALF_ERROR
    path = tmp_path / "image0.nii.gz"
    stat = path.stat()
    save(path, image(7, SHAPE))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    after = cached(items, _transform(), cache_dir=folder)[0]["image"]
    assert not torch.equal(before, after)


def test_keys_are_of_content_and_not_of_objects(items):
    used = _transform()
    used(items[0])
    keys = [transform_key(own.transforms) for own in (_transform(), used)]
    assert keys[0] == keys[1]
    assert transform_key(_transform(upper=1.0).transforms) != keys[0]
    assert item_key(items[0]) == item_key(dict(reversed(items[0].items())))
    assert item_key(items[0]) != item_key(items[0] | {"grid": np.eye(4).tolist()})
    assert item_key({"image": "absent.nii"}) != item_key({"image": "missing.nii"})


def test_a_damaged_file_is_computed_anew(items, tmp_path):
    dataset = cached(items, _transform(), cache_dir=tmp_path / "cache")
    expected = dataset[1]["image"]
    path = dataset.file(items[1])
    for content in (b"", path.read_bytes()[:200], b"garbage"):
        path.write_bytes(content)
        assert torch.equal(dataset[1]["image"], expected)
    assert not list((tmp_path / "cache").glob(".part-*"))


def test_a_disk_without_room_is_refused_in_numbers(items, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")(100, 90, 10)
    monkeypatch.setattr("gemini_monai.data.cache.shutil.disk_usage", lambda path: usage)
    with pytest.raises(InputError, match=r"cache: the cache needs .* 2 of 3 items .*--cache_dir"):
        cached(items, _transform(), cache_dir=tmp_path / "cache")
    assert len(cached([], _transform(), cache_dir=tmp_path / "cache")) == 0


def _both(items):
    """The items with their labels, and again without."""
    return items + [{key: item[key] for key in ("case", "image")} for item in items]


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_give_the_batches_of_none(items, tmp_path, workers):
    def batches(name, workers):
        streams = {"labeled": Labeled(2), "pairs": Pairs(2)}
        options = {"transform": _transform(), "cache_dir": tmp_path / name}
        dataset = IterationDataset(_both(items), streams, iterations=4, **options)
        return list(DataLoader(dataset, batch_size=None, num_workers=workers))

    expected, found = batches("none", 0), batches("some", workers)
    for own, other in zip(expected, found, strict=True):
        assert all(torch.equal(own[key], other[key]) for key in own)


def test_an_image_of_several_pairs_is_decoded_once_an_iteration(items, decoded):
    streams, options = {"pairs": Pairs(6)}, {"transform": _transform(), "cache_rate": 0.0}
    dataset = IterationDataset(_both(items), streams, iterations=1, **options)
    assert dataset[0]["image_a"].shape[0] == 6
    assert len(decoded) == 3
