"""Windows: several at a time, and those of one value once, with the same predictions."""

from __future__ import annotations

import pytest
import torch
from monai.inferers import SlidingWindowInferer
from torch import nn

from gemini_monai.inference.windows import window_inferer, windows_at_a_time
from gemini_monai.networks import Gemini
from gemini_monai.transforms import InputSpec


class Counted(nn.Module):
    """A network that counts the windows that it sees."""

    def __init__(self, network):
        super().__init__()
        self.network, self.seen = network.eval(), 0

    def forward(self, windows):
        self.seen += len(windows)
        return self.network(windows)


def _spec(*, dims=3, channels=1, **given):
    size = (8,) * dims
    known = {"spatial_dims": dims, "in_channels": channels, "spatial_size": size}
    intensity = {"kind": "range", "lower": 0, "upper": 1}
    return InputSpec(**known, intensity=intensity, structures=("a", "b"), **given)


def _network(dims, *, channels=1):
    torch.manual_seed(0)
    return Counted(Gemini(dims, channels, 3, channels=(4, 8)))


def _body(*shape, channels=1):
    """An image whose middle differs, in air of another value in each channel."""
    torch.manual_seed(1)
    image = torch.arange(channels).reshape(1, -1, *[1] * len(shape)).float().repeat(1, 1, *shape)
    middle = tuple(slice(side // 2 - 3, side // 2 + 3) for side in shape)
    image[(slice(None), slice(None), *middle)] = torch.rand(1, channels, *[6] * len(shape))
    return image


@pytest.mark.parametrize("channels", [1, 2])
@torch.no_grad()
def test_windows_of_air_are_seen_once_and_predictions_are_those_of_monai(channels):
    image, network = _body(32, 32, 14, channels=channels), _network(3, channels=channels)
    expected = SlidingWindowInferer((8, 8, 8), overlap=0.25)(image, network)
    every, network.seen = network.seen, 0
    found = window_inferer(_spec(channels=channels))(image, network)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert every == 50
    assert 2 < network.seen < 20


@torch.no_grad()
def test_air_of_two_values_has_two_answers():
    image, network = torch.zeros(1, 1, 8, 16), _network(2)
    image[..., 8:] = 1
    found = window_inferer(_spec(dims=2), overlap=0.0)(image, network)
    assert network.seen == 2
    parts = [network.network(torch.full((1, 1, 8, 8), float(value))) for value in (0, 1)]
    torch.testing.assert_close(found, torch.cat(parts, dim=3))
    assert not torch.equal(*parts)


@torch.no_grad()
def test_slices_of_air_are_seen_once():
    image, network = _body(8, 8, 20), _network(2)
    found = window_inferer(_spec(slices=True))(image, network)
    assert network.seen == 6 + 1
    torch.testing.assert_close(found[..., 9], network.network(image[..., 9]))
    torch.testing.assert_close(found[..., 0], network.network(image[..., 0]))


@torch.no_grad()
def test_answers_are_those_of_the_network_that_is_asked():
    """One inferer validates a network that is trained in between."""
    inferer, image = window_inferer(_spec(dims=2)), torch.zeros(1, 1, 8, 8)
    before = inferer(image, _network(2))
    other = Counted(Gemini(2, 1, 3, channels=(4, 8)))
    torch.testing.assert_close(inferer(image, other), other.network(image))
    assert not torch.equal(inferer(image, other), before)


@pytest.mark.parametrize(
    ("window", "count"),
    [
        ((40, 56, 40), 4),
        ((96, 96, 96), 2),
        ((128, 128, 128), 1),
        ((160, 160, 160), 1),
        ((96, 96), 4),
    ],
)
def test_small_windows_are_seen_together(window, count):
    assert windows_at_a_time(window) == count
