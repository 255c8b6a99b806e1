"""Slices of volumes as items of their own."""

from __future__ import annotations

import torch

from gemini_monai.data.streams.images import SliceDataset


def _volumes():
    generator = torch.Generator().manual_seed(0)
    return [
        {
            "image": torch.rand(1, 4, 5, depth, generator=generator),
            "label": torch.randint(0, 3, (1, 4, 5, depth), generator=generator),
            "case": "x",
        }
        for depth in (3, 2)
    ]


def test_every_slice_of_every_volume_is_an_item():
    volumes = _volumes()
    slices = SliceDataset(volumes)
    assert len(slices) == 5
    for key in ("image", "label"):
        for volume, first in ((volumes[0], 0), (volumes[1], 3)):
            depth = volume[key].shape[-1]
            stacked = torch.stack([slices[first + z][key] for z in range(depth)], dim=-1)
            assert torch.equal(stacked, volume[key])


def test_only_what_is_asked_for_is_sliced():
    assert set(SliceDataset(_volumes(), keys=("image",))[0]) == {"image"}
