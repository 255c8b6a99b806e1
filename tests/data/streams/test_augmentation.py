"""What moves an image and what does not, drawn apart; labels with their images; all in [0, 1]."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.transforms import (
    Compose,
    Lambdad,
    OneOf,
    RandAdjustContrastd,
    RandAffined,
    RandAxisFlipd,
    RandCoarseDropoutd,
    RandCoarseShuffled,
    RandCropByPosNegLabeld,
    RandFlipd,
    RandGaussianNoised,
    RandGaussianSmoothd,
    RandomOrder,
    RandSimulateLowResolutiond,
    RandSmoothFieldAdjustContrastd,
    RandZoomd,
    ToTensord,
)

from gemini_monai.base.errors import InputError
from gemini_monai.data import Labeled, Pairs, Unlabeled, Views
from gemini_monai.data.phantom_subjects import make_subject
from gemini_monai.data.streams.augmentation import is_look, looks_of, places_alone
from gemini_monai.geometry.warp import inbounds_mask, warp
from tests.data.streams import own_transforms as own

BOTH = ["image", "label"]
MODES = {"mode": ["bilinear", "nearest"], "padding_mode": "zeros", "allow_missing_keys": True}
STRONG = {
    "_target_": "Compose",
    "transforms": [
        {"_target_": "RandAffined", "keys": BOTH, "prob": 1.0, "rotate_range": 0.5, **MODES},
        {"_target_": "RandGaussianNoised", "keys": ["image"], "prob": 0.5, "std": 0.06},
        {"_target_": "RandGaussianSmoothd", "keys": ["image"], "prob": 0.5},
        {"_target_": "RandScaleIntensityd", "keys": ["image"], "prob": 0.5, "factors": 0.3},
        {
            "_target_": "RandSimulateLowResolutiond",
            "keys": ["image"],
            "prob": 0.5,
            "upsample_mode": "bilinear",
        },
        {"_target_": "RandAdjustContrastd", "keys": ["image"], "prob": 0.5, "gamma": [0.6, 1.6]},
    ],
}
"""As of ``shared/notes/strong.json``."""


def _image(size=(48, 40)):
    return make_subject(size, seed=(0, 1))["image"][None].clamp(0, 1)


def _draw(stream, data, seed=0):
    stream.open(data)
    return stream.draw(np.random.default_rng(seed), {})


def _affine(**options):
    return RandAffined(
        BOTH, prob=1.0, rotate_range=[0.5], translate_range=[4, 4], **MODES | options
    )


def _noise(**options):
    return RandGaussianNoised("image", prob=1.0, std=0.1, **options)


@pytest.mark.parametrize("size", [(48, 40), (24, 28, 26)])
@pytest.mark.parametrize("still", own.STILL)
def test_what_changes_looks_is_seen_to_move_nothing(still, size):
    before = torch.random.get_rng_state()
    assert is_look(still(prob=0.1), _image(size))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("size", [(48, 40), (24, 28, 26)])
@pytest.mark.parametrize("moving", [*own.MOVING, *own.BOTH])
def test_what_moves_is_seen_to(moving, size):
    assert not is_look(moving(prob=0.1), _image(size))


def test_monais_are_sorted_as_it_sorts_them():
    image, size = _image(), {"spatial_size": (48, 40), "rand_size": (4, 4)}
    low = RandSimulateLowResolutiond("image", upsample_mode="bilinear")
    looks = (
        _noise(),
        RandCoarseShuffled("image", 2, 4),
        RandSmoothFieldAdjustContrastd("image", **size),
    )
    for look in (*looks, low, ToTensord("image"), Lambdad("image", func=torch.sqrt)):
        assert is_look(look, image)
    for place in (_affine(), RandFlipd("image"), Lambdad("image", func=lambda x: x.flip(1))):
        assert not is_look(place, image)


def test_the_largest_parts_that_move_nothing_are_found_however_deep():
    noise, blur, contrast = _noise(), RandGaussianSmoothd("image"), RandAdjustContrastd("image")
    inner = OneOf([blur, contrast])
    transform = Compose([_affine(), Compose([noise, RandomOrder([RandFlipd("image"), inner])])])
    assert looks_of(transform, _image()) == [noise, inner]
    assert looks_of(inner, _image()) == [inner]
    assert looks_of(_affine(), _image()) == []


def test_places_alone_move_an_image_as_the_whole_does():
    image = _image()
    quiet = RandGaussianNoised("image", prob=1.0, std=0.0)
    for inside in (lambda a, b, c: Compose([a, b, c]), lambda a, b, c: RandomOrder([b, a, c])):
        whole = inside(quiet, _affine(), RandAxisFlipd(BOTH, prob=0.5, allow_missing_keys=True))
        alone = places_alone(whole, image)
        for seed in range(4):
            found = []
            for transform in (whole, alone):
                transform.set_random_state(seed=seed)
                found.append(transform({"image": image})["image"].as_tensor())
            torch.testing.assert_close(*found)


@pytest.mark.parametrize("pairing", ["ring", "separate"])
@pytest.mark.parametrize("look", [_noise, own.Noise, lambda: OneOf([_noise(), own.Curve()])])
def test_images_of_a_pair_share_their_place_and_not_their_noise(pairing, look):
    data = [{"image": _image()} for _ in range(4)]
    stream = Pairs(3, pairing=pairing, transform=Compose([_affine(), look()]))
    batch = _draw(stream, data)
    still = _draw(Pairs(3, pairing=pairing, transform=Compose([_affine()])), data)
    images = torch.cat([batch[key] for key in stream.keys])
    places = torch.cat([still[key] for key in stream.keys])
    partners = (0, 1) if pairing == "ring" else (0, 3)
    first, second = ((images - places)[k] for k in partners)
    assert torch.equal(*(places[k] for k in partners))
    assert not torch.equal(first, second)
    likeness = np.corrcoef(first.flatten(), second.flatten())[0, 1]
    assert isinstance(stream.looks[0].transform, OneOf) or abs(likeness) < 0.1
    again = _draw(Pairs(3, pairing=pairing, transform=Compose([_affine(), look()])), data)
    assert torch.equal(images, torch.cat([again[key] for key in stream.keys]))


def test_other_images_have_draws_of_their_own():
    transform = Compose([_affine(), _noise()])
    data = [{"image": _image(), "label": (_image() > 0.4).float()} for _ in range(3)]
    for stream in (Labeled(2, transform=transform), Unlabeled(2, transform=transform)):
        first, second = _draw(stream, data)[stream.keys[0]]
        assert (first - second).abs().mean() > 0.05


def test_a_label_has_the_place_of_its_image():
    label = (_image() > 0.4).float()
    data = [{"image": label.clone(), "label": label}] * 2
    zoom = RandZoomd(
        BOTH, prob=1.0, max_zoom=1.3, mode=["bilinear", "nearest"], padding_mode="edge"
    )
    batch = _draw(Labeled(2, transform=Compose([_affine(), zoom, _noise()])), data)
    same = (batch["image"] > 0.5) == (batch["label"] > 0.5)
    assert same.float().mean() > 0.9


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (RandFlipd(["image"], prob=0.1), "RandFlipd moves the image without its label"),
        (
            Compose([RandFlipd(["image"]), RandFlipd(["label"])]),
            "RandFlipd moves the image without its label",
        ),
        (RandZoomd(BOTH, prob=0.1), "RandZoomd changes the values of the label"),
        (_affine(mode="bilinear"), "RandAffined changes the values of the label"),
        (
            RandGaussianNoised(BOTH, prob=0.1),
            "RandGaussianNoised changes the values of the label",
        ),
        (
            RandCropByPosNegLabeld(BOTH, label_key="label", spatial_size=(8, 8), num_samples=2),
            "RandCropByPosNegLabeld makes a list of an item, expected one item",
        ),
        (
            RandAffined(BOTH, rotate_range=[0.1] * 3, spatial_size=(4, 4, 4), prob=0.1),
            "RandAffined does not take an image of shape",
        ),
    ],
)
def test_a_transform_that_a_label_cannot_follow_is_named(transform, message):
    data = [{"image": _image(), "label": (_image() > 0.4).float()}]
    with pytest.raises(InputError, match=f"random_transforms: {message}"):
        Labeled(1, transform=transform).open(data)


@pytest.mark.parametrize("change", [RandCoarseDropoutd, RandCoarseShuffled])
def test_what_writes_into_its_image_leaves_the_cached_one_alone(change):
    data = [{"image": _image()} for _ in range(2)]
    before = data[0]["image"].clone()
    transform = change("image", holes=4, spatial_size=6, prob=1.0)
    assert not torch.equal(_draw(Unlabeled(2, transform=transform), data)["unlabeled"][0], before)
    assert all(torch.equal(item["image"], before) for item in data)


def test_what_reaches_the_network_stays_in_zero_to_one():
    spline = RandAffined("image", prob=1.0, rotate_range=[0.5], mode=3, padding_mode="constant")
    for transform in (Compose([spline, _noise()]), own.Standardized(), _noise(mean=0.5)):
        for image in (_image(), (_image() > 0.4).float()):
            found = _draw(Unlabeled(2, transform=transform), [{"image": image}] * 2)["unlabeled"]
            assert 0 <= float(found.min()) < float(found.max()) <= 1
    wide = 5 * _image() - 2  # of a transform ``after`` of one's own
    found = _draw(Unlabeled(2, transform=_noise()), [{"image": wide}] * 2)["unlabeled"]
    assert (float(found.min()), float(found.max())) == (float(wide.min()), float(wide.max()))


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (own.Log(), "Log makes values that are not finite"),
        (own.Several(), "Several makes a list of an item, expected one item"),
    ],
)
def test_what_makes_no_image_is_named(transform, message):
    stream = Unlabeled(1, transform=transform)
    stream.open([{"image": _image()}])
    with pytest.raises(InputError, match=f"random_transforms: {message}"):
        stream.draw(np.random.default_rng(0), {})


def test_a_strong_augmentation_serves_every_stream():
    transform = ConfigParser({"t": json.loads(json.dumps(STRONG))}).get_parsed_content("t")
    data = [{"image": _image(), "label": (_image() > 0.4).float()} for _ in range(4)]
    for stream in (Labeled(2, transform=transform), Pairs(2, transform=transform)):
        for images in _draw(stream, data).values():
            assert 0 <= float(images.min()) <= float(images.max()) <= 1
    batch = _draw(Views(16, transform=transform), data)
    inside = inbounds_mask(batch["ddf_ab"]).expand_as(batch["view_b"]) > 0
    before, after = (
        float((view - batch["view_b"]).abs()[inside].mean())
        for view in (batch["view_a"], warp(batch["view_a"], batch["ddf_ab"]))
    )
    assert after < 0.7 * before  # the rest is noise, blur and contrast, which differ
