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

from gemini_monai.base.errors import InputError
from gemini_monai.data import IterationDataset, Labeled, Pairs
from gemini_monai.data.cache import cached, item_key, transform_key
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
    assert isinstance(dataset, CacheDataset)
    assert dataset.cache_num == 3


def test_items_are_computed_once_and_are_those_of_memory_bit_by_bit(
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
            for own in (first[k][key], again[k][key]):
                assert own.dtype == memory[k][key].dtype == torch.float32
                assert torch.equal(own, memory[k][key])
                assert torch.equal(own.affine, memory[k][key].affine)
                assert own.stride() == memory[k][key].stride()
        assert again[k]["case"] == f"c{k}"
    assert decoded == []
    assert len(list((tmp_path / "cache").iterdir())) == 3


KINDS = (torch.float64, torch.float32, torch.float16, torch.int16, torch.bool)


@pytest.mark.parametrize("dtype", KINDS, ids=str)
@pytest.mark.parametrize("shift", [0, 60_000, 1e-30])
def test_numbers_of_every_kind_and_size_come_back(items, tmp_path, dtype, shift):
    own = Compose([_transform(), Lambdad("image", _Shifted(shift, dtype))])
    expected = cached(items, own)[1]["image"]
    for _ in range(2):
        found = cached(items, own, cache_dir=tmp_path / "cache")[1]["image"]
        assert found.dtype == expected.dtype == dtype
        assert torch.equal(found.view(torch.uint8), expected.view(torch.uint8))


class _Shifted:
    def __init__(self, shift, dtype):
        self.shift, self.dtype = shift, dtype

    def __call__(self, image):
        return (self.shift + image.as_tensor()).to(self.dtype)


@pytest.mark.parametrize("content", [[1], {}, {"item": {}}, torch.ones(2), "text", None], ids=str)
def test_a_file_of_another_maker_in_an_items_place_is_named_and_stays(items, tmp_path, content):
    dataset = cached(items, _transform(), cache_dir=tmp_path / "cache")
    path = dataset.file(items[1])
    torch.save(content, path)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"\.pt: is there, but was not written by this cache"):
        dataset[1]
    assert path.read_bytes() == before


def test_the_file_of_another_item_is_not_taken(items, tmp_path):
    dataset = cached(items, _transform(), cache_dir=tmp_path / "cache")
    dataset.file(items[1]).write_bytes(dataset.file(items[0]).read_bytes())
    with pytest.raises(InputError, match="was not written by this cache"):
        dataset[1]


@pytest.mark.parametrize("below", ["", "below", "below/it"])
def test_a_folder_that_cannot_be_is_named(items, tmp_path, below):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match=r"key 'cache_dir': .*file.*: cannot be a folder: "):
        cached(items, _transform(), cache_dir=tmp_path / "file" / below)
    assert (tmp_path / "file").read_text() == "mine"


def test_another_file_or_transform_is_computed_anew(items, tmp_path):
    folder = tmp_path / "cache"
    before = cached(items, _transform(), cache_dir=folder)[0]["image"]
    for change in ({"upper": 100.0}, {"spacing": 1.0}):
        other = cached(items, _transform(**change), cache_dir=folder)[0]["image"]
        expected = cached(items, _transform(**change))[0]["image"]
        assert torch.equal(other, expected)
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
