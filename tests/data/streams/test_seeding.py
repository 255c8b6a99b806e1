"""Generators are given the seeds that MONAI would give them; what is not known is left to it."""

from __future__ import annotations

from copy import deepcopy

import monai.transforms as mt
import pytest
import torch
from monai.transforms import Randomizable

from gemini_monai.data.streams.seeding import Seeding

KEYS = ("image", "label")


def _strong():
    return mt.Compose(
        [
            mt.RandAffined(KEYS, prob=1.0, rotate_range=0.5, mode=("bilinear", "nearest")),
            mt.RandGaussianNoised("image", prob=0.5),
            mt.RandSimulateLowResolutiond("image", prob=0.5, upsample_mode="bilinear"),
            mt.RandAdjustContrastd("image", prob=0.5),
        ]
    )


MONAIS = {
    "one": lambda: mt.RandFlipd(KEYS, prob=0.5),
    "several": _strong,
    "nested": lambda: mt.Compose([_strong(), mt.RandRotate90d(KEYS, prob=0.5)]),
    "chosen": lambda: mt.OneOf([_strong(), mt.RandFlipd(KEYS, prob=0.5)]),
    "elastic": lambda: mt.Rand2DElasticd(KEYS, (5, 5), (0, 1), prob=1.0, rotate_range=0.3),
    "smooth": lambda: mt.RandSmoothFieldAdjustContrastd(KEYS, (8, 8), (2, 2), prob=1.0),
    "blocks": lambda: mt.RandCoarseShuffled("image", holes=2, spatial_size=3, prob=0.5),
    "crops": lambda: mt.RandCropByPosNegLabeld(KEYS, "label", (6, 6), num_samples=1),
}


@pytest.mark.parametrize("name", MONAIS)
def test_what_comes_next_is_what_monai_makes(name):
    item = {"image": torch.rand(1, 8, 8), "label": torch.ones(1, 8, 8)}
    ours, theirs = MONAIS[name](), MONAIS[name]()
    seeding = Seeding(ours)
    assert seeding.part is not None
    for seed in (0, 7, 2**31 - 1, 7):
        seeding(seed)
        theirs.set_random_state(seed=seed)
        for _ in range(2):
            found, expected = (_image(own(deepcopy(item))) for own in (ours, theirs))
            assert torch.equal(found, expected)


def _image(made):
    made = made[0] if isinstance(made, list) else made
    return torch.as_tensor(made["image"])


class _OfItsOwn(Randomizable):
    """Draws from a generator that is not its ``R``."""

    def set_random_state(self, seed=None, state=None):
        super().set_random_state(seed, state)
        self.torch = torch.Generator().manual_seed(int(seed))
        return self

    def __call__(self, item):
        return {"image": torch.rand(3, generator=self.torch)}


class _Forgetful(mt.RandFlipd):
    """Has a part that MONAI's way leaves alone."""

    def __init__(self):
        super().__init__(KEYS, prob=0.5)
        self.other = mt.RandGaussianNoise(prob=1.0)


@pytest.mark.parametrize("made", [_OfItsOwn, lambda: mt.Compose([mt.RandFlipd(KEYS), _OfItsOwn()])])
def test_somebody_elses_is_left_to_its_own(made):
    ours = made()
    seeding = Seeding(ours)
    assert seeding.part is None
    draws = []
    for seed in (3, 4, 3):
        seeding(seed)
        draws.append(ours({"image": torch.ones(1, 8, 8), "label": torch.ones(1, 8, 8)})["image"])
    assert torch.equal(draws[0], draws[2])
    assert not torch.equal(draws[0], draws[1])


def test_a_part_that_monai_leaves_alone_stays_as_it_is():
    ours = _Forgetful()
    before = ours.other.R
    Seeding(ours)(5)
    assert ours.other.R is before


def test_what_has_no_generator_is_called_as_it_is():
    Seeding(lambda item: item)(5)
    Seeding(None)(5)
