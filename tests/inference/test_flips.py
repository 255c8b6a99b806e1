"""Mirroring at test time: what it promises of mirror images, and how often the network runs."""

from __future__ import annotations

import pytest
import torch
from monai.inferers import SimpleInferer

from gemini_monai.inference import FlippedInferer, window_inferer, with_flips
from gemini_monai.transforms import InputSpec
from tests.inference.networks import PerVoxel, Uneven


def _spec(dims, **given):
    known = {
        "spatial_dims": dims,
        "in_channels": 1,
        "spatial_size": (4, 5, 6)[:dims],
        "intensity": {"kind": "range", "lower": 0, "upper": 1},
        "label_values": (0, 1),
        "structures": ("a",),
    }
    return InputSpec(**(known | given))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("overlapping", [False, True])
def test_a_mirrored_image_gives_the_mirrored_map(dims, overlapping):
    image = torch.rand(1, 1, *(7, 6, 9)[:dims])
    structures = ("a", "b") if overlapping else ("a",)
    spec = _spec(dims, overlapping=overlapping, structures=structures)
    plain = window_inferer(spec)  # whose windows do not lie evenly in the image
    flipped = with_flips(plain, spec)
    expected = flipped(image, Uneven())
    assert not torch.allclose(plain(image.flip(2), Uneven()).flip(2), plain(image, Uneven()))
    for dim in range(2, 2 + dims):
        torch.testing.assert_close(flipped(image.flip(dim), Uneven()).flip(dim), expected)
    both = list(range(2, 2 + dims))
    torch.testing.assert_close(flipped(image.flip(both), Uneven()).flip(both), expected)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_mean_is_over_every_combination_of_axes(dims):
    seen = []

    def network(image):
        seen.append(image.clone())
        return torch.cat([image, -image], 1) * len(seen)

    image = torch.rand(1, 1, *(3, 4, 5)[:dims])
    found = FlippedInferer(SimpleInferer(), axes=range(dims), overlapping=False)(image, network)
    assert len(seen) == 2**dims
    assert len({tuple(own.flatten().tolist()) for own in seen}) == 2**dims
    by_hand = sum((2 * k * image).sigmoid() for k in range(1, 2**dims + 1)) / 2**dims
    torch.testing.assert_close(found.softmax(1)[:, :1], by_hand)


def test_what_does_not_look_around_is_not_changed():
    spec, network = _spec(2), PerVoxel((3.0, 0.4))
    image = torch.rand(2, 1, 4, 5)
    found = with_flips(window_inferer(spec), spec)(image, network).softmax(1)
    torch.testing.assert_close(found, network(image).softmax(1))


def test_volumes_seen_slice_by_slice_are_mirrored_within_slices():
    spec = _spec(3, slices=True, spatial_size=(4, 5, 1))
    shapes = []

    class Seen(PerVoxel):
        def forward(self, image):
            shapes.append(tuple(image.shape))
            return super().forward(image)

    found = with_flips(window_inferer(spec), spec)(torch.rand(1, 1, 4, 5, 3), Seen((1.0, 0.5)))
    assert found.shape == (1, 2, 4, 5, 3)
    assert shapes == [(3, 1, 4, 5)] * 4  # all slices at a time, along each of the axes
