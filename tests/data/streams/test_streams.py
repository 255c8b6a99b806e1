"""Streams: each image in its place, labels untouched, pairs that move together, known fields."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.transforms import (
    Compose,
    RandAffined,
    RandFlipd,
    RandGaussianNoise,
    RandRotated,
    RandSpatialCropd,
    RandZoomd,
)

from gemini_monai.base.errors import InputError
from gemini_monai.data import Corrupted, Labeled, Pairs, Partners, Unlabeled, Views
from gemini_monai.data.phantom_subjects import make_subject
from gemini_monai.data.streams import displacement_between
from gemini_monai.geometry.warp import inbounds_mask, warp


def _items(count, *, start=0, labels=False):
    """Image k is constant k, so that a batch shows who is in it."""
    images = [torch.full((1, 4, 4), float(start + k)) for k in range(count)]
    return [{"image": image, **({"label": image.long()} if labels else {})} for image in images]


def _draw(stream, data, *, seed=0, drawn=None):
    stream.open(data)
    return stream.draw(np.random.default_rng(seed), drawn or {})


def _members(images):
    return images[:, 0, 0, 0].tolist()


@given(seed=st.integers(0, 1000))
def test_separate_pairs_are_two_different_images(seed):
    batch = _draw(Pairs(3), _items(6), seed=seed)
    for a, b in zip(_members(batch["image_a"]), _members(batch["image_b"]), strict=True):
        assert a != b


@given(seed=st.integers(0, 1000))
def test_a_ring_has_different_images_and_no_second_batch(seed):
    batch = _draw(Pairs(4, pairing="ring"), _items(6), seed=seed)
    assert set(batch) == {"image_a"}
    assert len(set(_members(batch["image_a"]))) == 4


@given(seed=st.integers(0, 1000))
def test_a_label_stays_with_its_image(seed):
    batch = _draw(Labeled(2), _items(4, labels=True), seed=seed)
    assert torch.equal(batch["image"], batch["label"].float())
    assert len(set(_members(batch["image"]))) == 2


def test_every_image_comes_equally_often_when_all_are_taken():
    for stream in (Labeled(4), Unlabeled(4)):
        batch = _draw(stream, _items(4, labels=True))
        assert sorted(_members(batch[stream.keys[0]])) == [0, 1, 2, 3]
    twice = _members(_draw(Labeled(8), _items(4, labels=True))["image"])
    assert sorted(twice) == [0, 0, 1, 1, 2, 2, 3, 3]


@given(seed=st.integers(0, 1000))
def test_partners_are_the_unlabeled_images_where_all_may_be_paired(seed):
    items = _items(5, labels=True)
    alone = _draw(Unlabeled(3), items, seed=seed)["unlabeled"]
    for paired in (None, [True] * 5):
        assert torch.equal(_draw(Partners(3, paired=paired), items, seed=seed)["partner"], alone)


@given(seed=st.integers(0, 1000))
def test_an_image_that_may_not_be_paired_is_no_partner(seed):
    paired = [True, False, True, False, True]
    for count in (2, 3, 7):
        batch = _draw(Partners(count, paired=paired), _items(5, labels=True), seed=seed)
        members = _members(batch["partner"])
        assert set(members) <= {0, 2, 4}
        assert len(members) == count


def _affine():
    return RandAffined(["image", "label"], prob=1.0, rotate_range=[0.5], allow_missing_keys=True)


@pytest.mark.parametrize("pairing", ["ring", "separate"])
def test_images_of_one_pair_move_together(pairing):
    image = torch.rand(1, 12, 12)
    stream = Pairs(3, pairing=pairing, transform=_affine())
    batch = _draw(stream, [{"image": image.clone()} for _ in range(4)])
    first = batch["image_a"][0]
    second = batch["image_a"][1] if pairing == "ring" else batch["image_b"][0]
    assert torch.equal(first, second)
    assert not torch.allclose(first, image)


def test_labeled_images_move_each_by_itself():
    image, label = torch.rand(1, 12, 12), torch.ones(1, 12, 12)
    batch = _draw(Labeled(2, transform=_affine()), [{"image": image, "label": label}] * 2)
    assert not torch.allclose(batch["image"][0], batch["image"][1])


def test_slices_of_volumes_are_images_of_their_own():
    volumes = [{"image": torch.rand(1, 4, 5, 6), "label": torch.ones(1, 4, 5, 6)}] * 2
    batch = _draw(Labeled(3, slices=True), volumes)
    assert batch["image"].shape == batch["label"].shape == (3, 1, 4, 5)


def test_corruption_is_of_the_pairs_images_and_a_function_of_its_numbers():
    images = torch.rand(3, 1, 4, 4)
    stream = Corrupted(RandGaussianNoise(prob=1.0))
    first, again = (_draw(stream, [], drawn={"image_a": images}) for _ in range(2))
    assert torch.equal(first["clean"], images)
    assert torch.equal(first["corrupted"], again["corrupted"])
    noise = first["corrupted"] - images
    assert not torch.equal(noise[0], noise[1])


MOVES = {
    "affine": lambda n: RandAffined(
        "image",
        prob=1.0,
        rotate_range=[0.3] * (1 if n == 2 else 3),
        scale_range=[0.2] * n,
        translate_range=[3] * n,
        padding_mode="zeros",
    ),
    "rotation": lambda n: RandRotated("image", prob=1.0, range_x=0.4, padding_mode="zeros"),
    "zoom": lambda n: RandZoomd("image", prob=1.0, min_zoom=0.8, max_zoom=1.3),
    "flip": lambda n: RandFlipd("image", prob=0.5, spatial_axis=0),
    "crop": lambda n: RandSpatialCropd("image", roi_size=[20] * n, random_size=False),
    "both": lambda n: Compose([MOVES["flip"](n), MOVES["affine"](n)]),
}


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("move", MOVES)
def test_the_known_field_warps_one_view_onto_the_other(axes, move):
    size = (48, 40) if axes == 2 else (28, 24, 26)
    image = make_subject(size, seed=(0, 1))["image"][None]
    batch = _draw(Views(4, transform=MOVES[move](axes)), [{"image": image}] * 4)
    inside = inbounds_mask(batch["ddf_ab"]).expand_as(batch["view_b"]) > 0

    def distance(view):
        return float((view - batch["view_b"]).abs()[inside].mean())

    assert distance(batch["view_a"]) > 0.04
    assert distance(warp(batch["view_a"], batch["ddf_ab"])) < 0.03


def test_the_known_field_of_a_crop_is_a_shift():
    crop = RandSpatialCropd("image", roi_size=[6, 6], random_size=False)
    batch = _draw(Views(3, transform=crop), [{"image": torch.rand(1, 12, 12)}] * 3)
    shift = batch["ddf_ab"].mean(dim=(2, 3))
    assert torch.equal(shift, shift.round())
    torch.testing.assert_close(
        batch["ddf_ab"], shift[:, :, None, None].expand_as(batch["ddf_ab"]), atol=1e-5, rtol=0
    )


def test_views_without_a_transform_are_one_image_without_displacement():
    batch = _draw(Views(1), [{"image": torch.rand(1, 5, 6)}])
    assert torch.equal(batch["view_a"], batch["view_b"])
    assert torch.equal(batch["ddf_ab"], torch.zeros(1, 2, 5, 6))


def test_a_field_between_views_of_different_sizes_has_the_second_ones():
    from monai.data import MetaTensor

    a, b = MetaTensor(torch.rand(1, 8, 8)), MetaTensor(torch.rand(1, 4, 4))
    b.affine = torch.diag(torch.tensor([2.0, 2.0, 1.0, 1.0]))
    ddf = displacement_between(a, b)
    assert ddf.shape == (2, 4, 4)
    assert ddf[:, 3, 1].tolist() == [3, 1]  # voxel (3, 1) of b is voxel (6, 2) of a


@pytest.mark.parametrize(
    ("stream", "images", "message"),
    [
        (Labeled(1), 0, "no labeled image: this method needs one or more in 'labeled'"),
        (
            Unlabeled(1),
            0,
            "no unlabeled image: this method needs one or more in 'unlabeled'; of a segmenter",
        ),
        (Views(1), 0, "no unlabeled image"),
        (Partners(1), 0, "no unlabeled image"),
        (Partners(1, paired=[False] * 2), 2, "no unlabeled image may be paired"),
        (Pairs(1), 1, r"there are 1 unlabeled image\(s\) of different patients: a draw needs 2"),
        (Pairs(3, pairing="ring"), 2, "a ring takes 2 to 2, got 3"),
        (Pairs(5, pairing="ring"), 4, "a ring takes 2 to 4, got 5"),
    ],
)
def test_too_few_images_are_refused(stream, images, message):
    with pytest.raises(InputError, match=message):
        stream.open(_items(images, labels=True))


def test_an_unknown_pairing_is_refused():
    with pytest.raises(ValueError, match="pairing must be one of"):
        Pairs(1, pairing="all")


def test_images_of_several_sizes_are_refused():
    data = [*_items(1, labels=True), {"image": torch.rand(1, 5, 4), "label": torch.rand(1, 5, 4)}]
    with pytest.raises(InputError, match=r"differ in shape \[\(1, 4, 4\), \(1, 5, 4\)\]"):
        _draw(Labeled(2), data)
