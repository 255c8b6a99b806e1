"""Batches: a function of seed and iteration, each image in its place, labels untouched."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.transforms import RandAffined, RandGaussianNoise
from torch.utils.data import DataLoader

from gemini_monai.data.iterations import IterationDataset, RemainingIterations
from gemini_monai.errors import InputError


def _items(count, *, start=0, labels=False):
    """Image k is constant k, so that a batch shows who is in it."""
    images = [torch.full((1, 4, 4), float(start + k)) for k in range(count)]
    return [{"image": image, **({"label": image.long()} if labels else {})} for image in images]


def _dataset(**options):
    options = {"iterations": 6, "labeled_images": 2, "pairs": 3} | options
    return IterationDataset(_items(4, labels=True), _items(6, start=100), **options)


def _members(images):
    return images[:, 0, 0, 0].tolist()


def _same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


@given(index=st.integers(0, 5), seed=st.integers(0, 1000))
def test_separate_pairs_are_two_different_unlabelled_images(index, seed):
    batch = _dataset(seed=seed)[index]
    for a, b in zip(_members(batch["image_a"]), _members(batch["image_b"]), strict=True):
        assert a != b
        assert min(a, b) >= 100


@given(index=st.integers(0, 5), seed=st.integers(0, 1000))
def test_a_ring_has_different_images_and_no_second_batch(index, seed):
    batch = _dataset(pairing="ring", pairs=4, seed=seed)[index]
    assert "image_b" not in batch
    assert len(set(_members(batch["image_a"]))) == 4


@given(index=st.integers(0, 5))
def test_a_label_stays_with_its_image(index):
    batch = _dataset()[index]
    assert torch.equal(batch["image"], batch["label"].float())
    assert len(set(_members(batch["image"]))) == 2


def test_an_item_is_a_function_of_seed_rank_and_index():
    assert _same(_dataset()[3], _dataset()[3])
    for other in (_dataset()[4], _dataset(seed=1)[3], _dataset(rank=1)[3]):
        assert not _same(_dataset()[3], other)


def test_an_arm_without_pairs_sees_the_same_labelled_batches():
    alone = IterationDataset(_items(4, labels=True), [], iterations=6, pairs=0, seed=5)
    for index in range(6):
        batch = _dataset(seed=5)[index]
        assert _same(alone[index], {key: batch[key] for key in ("image", "label")})


def _noise(count, *, labels=False):
    return [
        {"image": torch.rand(1, 12, 12), **({"label": torch.ones(1, 12, 12)} if labels else {})}
        for _ in range(count)
    ]


def _affine():
    return RandAffined(["image", "label"], prob=1.0, rotate_range=[0.5], allow_missing_keys=True)


def test_workers_change_nothing():
    data, unlabeled = _noise(3, labels=True), _noise(4)
    runs = []
    for workers in (0, 2):
        dataset = IterationDataset(data, unlabeled, iterations=4, random_transform=_affine())
        loader = DataLoader(dataset, batch_size=None, num_workers=workers)
        runs.append(list(loader))
    assert all(_same(first, second) for first, second in zip(*runs, strict=True))


@pytest.mark.parametrize("pairing", ["ring", "separate"])
def test_images_of_one_pair_move_together(pairing):
    image = torch.rand(1, 12, 12)
    unlabeled = [{"image": image.clone()} for _ in range(4)]
    dataset = IterationDataset(
        [],
        unlabeled,
        iterations=1,
        labeled_images=0,
        pairs=3,
        pairing=pairing,
        random_transform=_affine(),
    )
    batch = dataset[0]
    first, second = (
        (batch["image_a"][0], batch["image_a"][1])
        if pairing == "ring"
        else (batch["image_a"][0], batch["image_b"][0])
    )
    assert torch.equal(first, second)
    assert not torch.allclose(first, image)


def test_random_transforms_leave_the_cached_item_alone():
    data = _noise(2, labels=True)
    before = [item["image"].clone() for item in data]
    dataset = IterationDataset(data, [], iterations=3, pairs=0, random_transform=_affine())
    for index in range(3):
        dataset[index]
    assert all(torch.equal(a, b["image"]) for a, b in zip(before, data, strict=True))


def test_a_resumed_sampler_gives_what_is_left_in_order():
    assert list(RemainingIterations(5, start=3)) == [3, 4]
    assert len(RemainingIterations(5, start=3)) == 2


def test_every_labelled_image_comes_equally_often_when_all_are_taken():
    dataset = _dataset(labeled_images=4, iterations=3)
    assert all(sorted(_members(dataset[k]["image"])) == [0, 1, 2, 3] for k in range(3))
    twice = _members(_dataset(labeled_images=8)[0]["image"])
    assert sorted(twice) == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    ("labeled", "unlabeled", "options", "message"),
    [
        (0, 3, {}, "no labelled image"),
        (1, 1, {}, r"there are 1 unlabelled image\(s\) of different patients: a draw needs 2"),
        (1, 2, {"pairing": "ring", "pairs": 3}, "a ring takes 2 to 2, got 3"),
        (1, 4, {"pairing": "ring", "pairs": 5}, "a ring takes 2 to 4, got 5"),
    ],
)
def test_too_few_images_are_refused(labeled, unlabeled, options, message):
    with pytest.raises(InputError, match=message):
        IterationDataset(_items(labeled, labels=True), _items(unlabeled), iterations=1, **options)


def test_corruption_is_of_the_first_images_and_a_function_of_the_iteration():
    corruption = RandGaussianNoise(prob=1.0)
    plain, dataset = _dataset(), _dataset(corruption=corruption)
    batch = dataset[2]
    assert torch.equal(batch["clean"], plain[2]["image_a"])
    assert torch.equal(batch["image_a"], plain[2]["image_a"])
    assert not torch.equal(batch["corrupted"], batch["clean"])
    dataset[4]
    assert _same(dataset[2], batch)
    assert not torch.equal(
        batch["corrupted"][0] - batch["clean"][0], batch["corrupted"][1] - batch["clean"][1]
    )


def test_corruption_needs_pairs():
    with pytest.raises(ValueError, match="pairs is 0"):
        _dataset(corruption=RandGaussianNoise(), pairs=0)


def test_an_unknown_pairing_and_an_index_outside_are_errors():
    with pytest.raises(ValueError, match="pairing must be one of"):
        _dataset(pairing="all")
    with pytest.raises(IndexError):
        _dataset()[6]


def test_images_of_several_sizes_are_refused():
    data = [*_items(1, labels=True), {"image": torch.rand(1, 5, 4), "label": torch.rand(1, 5, 4)}]
    with pytest.raises(InputError, match=r"differ in shape \[\(1, 4, 4\), \(1, 5, 4\)\]"):
        IterationDataset(data, [], iterations=1, pairs=0)[0]
