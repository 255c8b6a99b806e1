"""Batches: a function of seed and iteration, of what is read and of nothing else."""

from __future__ import annotations

import pytest
import torch
from monai.transforms import RandAffined
from torch.utils.data import DataLoader

from gemini_monai.base.errors import InputError
from gemini_monai.data import (
    Corrupted,
    IterationDataset,
    Labeled,
    Pairs,
    RemainingIterations,
    Unlabeled,
    Views,
)


def _items(count, *, start=0, labels=False):
    """Image k is constant k, so that a batch shows who is in it."""
    images = [torch.full((1, 4, 4), float(start + k)) for k in range(count)]
    return [{"image": image, **({"label": image.long()} if labels else {})} for image in images]


def _streams(**changed):
    known = {"labeled": Labeled(2), "pairs": Pairs(3), "unlabeled": Unlabeled(2)}
    return known | {"views": Views(2)} | changed


def _dataset(*, streams=None, **options):
    data = _items(4, labels=True) + _items(6, start=100)
    return IterationDataset(data, streams or _streams(), **{"iterations": 6} | options)


def _same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_an_item_is_a_function_of_seed_rank_and_index():
    assert _same(_dataset()[3], _dataset()[3])
    for other in (_dataset()[4], _dataset(seed=1)[3], _dataset(rank=1)[3]):
        assert not _same(_dataset()[3], other)


@pytest.mark.parametrize("reads", [("image", "label"), ("image_a",), ("view_a",), ("unlabeled",)])
def test_a_stream_gives_the_same_whatever_else_is_drawn(reads):
    whole, alone = _dataset(seed=5), _dataset(seed=5, reads=reads)
    for index in range(6):
        found = alone[index]
        assert set(reads) <= set(found) < set(whole[index])
        assert _same(found, {key: whole[index][key] for key in found})


def test_what_no_objective_reads_is_neither_drawn_nor_prepared():
    prepared = []

    def transform(item):
        prepared.append("label" in item)
        return item

    data = _items(4, labels=True) + _items(1, start=100)  # too few for a pair
    streams = _streams(pairs=Pairs(3, pairing="ring"))
    options = {"iterations": 2, "reads": ("image", "label"), "transform": transform}
    dataset = IterationDataset(data, streams, **options)
    assert set(dataset[0]) == {"image", "label"}
    assert set(prepared) == {True}
    with pytest.raises(InputError, match="a ring takes 2 to 1, got 3"):
        IterationDataset(data, streams, iterations=2, reads=("image_a",))


def test_what_a_stream_needs_is_drawn_with_it():
    streams = _streams(corrupted=Corrupted(lambda image: image + 1))
    batch = _dataset(streams=streams, reads=("corrupted", "clean"))[0]
    assert set(batch) == {"image_a", "image_b", "clean", "corrupted"}


def test_a_key_that_no_stream_or_that_two_give_is_named():
    message = "'teeth' is read, but 0 streams give it; those of labeled, pairs, .* give image, lab"
    with pytest.raises(InputError, match=message):
        _dataset(reads=("teeth",))
    with pytest.raises(InputError, match="'image' is read, but 2 streams give it"):
        _dataset(streams=_streams(again=Labeled(1)))


def test_the_first_images_are_as_they_are():
    streams = _streams(unlabeled=Unlabeled(2, transform=_affine()))
    first = _dataset(streams=streams, reads=("unlabeled",)).first_images(4)
    assert first[:, 0, 0, 0].tolist() == [100, 101, 102, 103]
    assert len(_dataset(reads=("unlabeled",)).first_images(99)) == 6
    with pytest.raises(InputError, match="no unlabeled image is drawn"):
        _dataset(reads=("image",)).first_images(4)


def test_the_first_images_are_of_different_patients_of_the_largest_group():
    known = [("x", "a"), ("y", "b"), ("y", "b"), ("y", "c"), ("x", "a"), ("y", "d")]
    items = [
        item | {"group": group, "patient": patient}
        for item, (group, patient) in zip(_items(6, start=100), known, strict=True)
    ]
    items[3]["paired"] = False
    streams = {"unlabeled": Unlabeled(2)}
    first = IterationDataset(items, streams, iterations=1).first_images(4)
    assert first[:, 0, 0, 0].tolist() == [101, 105]
    alone = [item | {"patient": "a"} for item in _items(3, start=100)]
    first = IterationDataset(alone, streams, iterations=1).first_images(2)
    assert first[:, 0, 0, 0].tolist() == [100, 101]
    nobody = [item | {"paired": False} for item in _items(3, start=100)]
    first = IterationDataset(nobody, streams, iterations=1).first_images(2)
    assert first[:, 0, 0, 0].tolist() == [100, 101]


def _affine():
    return RandAffined(["image", "label"], prob=1.0, rotate_range=[0.5], allow_missing_keys=True)


def _noise(count, *, labels=False):
    return [
        {"image": torch.rand(1, 12, 12), **({"label": torch.ones(1, 12, 12)} if labels else {})}
        for _ in range(count)
    ]


def test_workers_change_nothing():
    data, runs = _noise(3, labels=True) + _noise(4), []
    for workers in (0, 2):
        streams = {"labeled": Labeled(2, transform=_affine()), "pairs": Pairs(1)}
        dataset = IterationDataset(data, streams, iterations=4)
        runs.append(list(DataLoader(dataset, batch_size=None, num_workers=workers)))
    assert all(_same(first, second) for first, second in zip(*runs, strict=True))


def test_random_transforms_leave_the_cached_item_alone():
    data = _noise(2, labels=True)
    before = [item["image"].clone() for item in data]
    dataset = IterationDataset(data, {"a": Labeled(2, transform=_affine())}, iterations=3)
    for index in range(3):
        dataset[index]
    assert all(torch.equal(a, b["image"]) for a, b in zip(before, data, strict=True))


def test_a_resumed_sampler_gives_what_is_left_in_order():
    assert list(RemainingIterations(5, start=3)) == [3, 4]
    assert len(RemainingIterations(5, start=3)) == 2


def test_an_index_outside_is_an_error():
    with pytest.raises(IndexError):
        _dataset()[6]
