"""One image moved by one draw, as it looks and with other looks."""

from __future__ import annotations

import numpy as np
import torch
from monai.transforms import Compose, RandAdjustContrastd, RandAffined, RandGaussianNoised

from gemini_monai.data import Looks

AFFINE = RandAffined(
    keys=["image", "label"],
    prob=1.0,
    rotate_range=[0.5],
    padding_mode="zeros",
    allow_missing_keys=True,
)


def _items(count=5):
    generator = torch.Generator().manual_seed(0)
    return [{"image": torch.rand(1, 16, 16, generator=generator)} for _ in range(count)]


def _drawn(transform, seed=0):
    stream = Looks(3, transform=transform)
    stream.open(_items())
    return stream.draw(np.random.default_rng(seed), {})


def test_both_lie_alike_and_noise_is_in_one_of_them():
    noise = RandGaussianNoised(keys="image", prob=1.0, std=0.01)
    batch = _drawn(Compose([AFFINE, noise]))
    alone = _drawn(Compose([AFFINE]))
    assert batch["plain"].shape == (3, 1, 16, 16)
    assert torch.equal(batch["plain"], alone["plain"])
    difference = (batch["changed"] - batch["plain"]).abs()
    assert 0 < difference.max() < 0.1
    assert not torch.equal(batch["plain"], torch.stack([i["image"] for i in _items()][:3]))


def test_every_image_is_changed_by_a_draw_of_its_own():
    contrast = RandAdjustContrastd(keys="image", prob=1.0, gamma=(0.3, 3.0))
    stream = Looks(4, transform=contrast)
    stream.open([{"image": torch.linspace(0, 1, 64).view(1, 8, 8)}] * 4)
    batch = stream.draw(np.random.default_rng(0), {})
    assert torch.equal(batch["plain"], batch["plain"][:1].expand(4, -1, -1, -1))
    assert len({float(image.sum()) for image in batch["changed"]}) == 4


def test_without_other_looks_both_are_the_same():
    for transform in (None, AFFINE):
        batch = _drawn(transform)
        assert torch.equal(batch["plain"], batch["changed"])
