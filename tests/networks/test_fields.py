"""Fields from velocities and from coarse to fine, against loops and against what they are to be."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gemini_monai.geometry.warp import compose, identity_grid, sample, warp
from gemini_monai.metrics import folding_percent, inverse_error
from gemini_monai.networks import FieldNetwork, Gemini
from gemini_monai.networks.deformer import Deformer


class _Says(nn.Module):
    """Stands for a deformer: a fixed velocity, and its negative the other way round."""

    def __init__(self, velocity):
        super().__init__()
        self.velocity = velocity

    def forward(self, features_a, features_b):
        return self.velocity * (features_a - features_b).mean(dim=(1, 2, 3), keepdim=True).sign()


def _smooth(shape, *, size):
    """A smooth field that is 0 near the border, (1, N, *shape), as long as ``size`` at most."""
    torch.manual_seed(0)
    axes = len(shape)
    coarse = torch.randn(1, axes, *[4] * axes, dtype=torch.float64)
    coarse[:, :, [0, -1]] = 0
    coarse[..., [0, -1]] = 0
    mode = "bicubic" if axes == 2 else "trilinear"
    field = nn.functional.interpolate(coarse, shape, mode=mode, align_corners=True)
    return size * field / field.abs().max()


def test_a_velocity_is_followed_for_a_unit_of_time():
    """Against steps of a hundredth along it, each in a loop."""
    velocity = _smooth((24, 24), size=4.0)
    network = FieldNetwork(2, 1, diffeomorphic=True).double()
    network.scales = nn.ModuleList([_Says(velocity)])
    found, back = network.both_ways(torch.ones_like(velocity[:, :1]), velocity[:, :1] * 0)
    positions = identity_grid((24, 24), dtype=torch.float64)[None]
    for _ in range(1000):
        positions = positions + sample(velocity, positions, padding_mode="border") / 1000
    followed = positions - identity_grid((24, 24), dtype=torch.float64)
    torch.testing.assert_close(found, followed, rtol=0, atol=0.1)
    assert float(inverse_error(found, back)) < 0.1  # voxels
    assert float(folding_percent(found)) == 0
    assert float((found - velocity).abs().max()) > 0.3  # it is not the velocity itself


@pytest.mark.parametrize("dims", [2, 3])
def test_the_fields_of_both_directions_are_inverse_and_do_not_fold(dims):
    torch.manual_seed(1)
    features = torch.rand(2, 2, 4, *[24] * dims)
    network = FieldNetwork(dims, 4, diffeomorphic=True, half_resolution=True)
    with torch.no_grad():
        plain = network.scales[0](*features)
        ddf_ab, ddf_ba = network.both_ways(*features)
    assert float(plain.abs().max()) > 1
    inside = (slice(None), slice(None), *[slice(4, -4)] * dims)
    assert float(compose(ddf_ab, ddf_ba)[inside].abs().mean()) < 0.15 * float(
        ddf_ab[inside].abs().mean()
    )
    assert float(folding_percent(ddf_ab).max()) <= float(folding_percent(plain).max())


def test_each_scale_goes_on_from_the_coarser_ones():
    torch.manual_seed(2)
    a, b = torch.rand(2, 1, 3, 16, 24, dtype=torch.float64)
    network = FieldNetwork(2, 3, scales=3).double()
    with torch.no_grad():
        found = network(a, b)
        ddf = None
        for deformer, voxels in zip(network.scales, (4, 2, 1), strict=True):
            moving, fixed = (_means(own, voxels) for own in (a, b))
            if ddf is None:
                ddf = deformer(moving, fixed)
                continue
            ddf = 2 * nn.functional.interpolate(ddf, scale_factor=2, mode="bilinear")
            step = deformer(warp(moving, ddf), fixed)
            ddf = step + warp(ddf, step)
    torch.testing.assert_close(found, ddf)


def _means(image, voxels):
    height, width = image.shape[2] // voxels, image.shape[3] // voxels
    return image.reshape(1, -1, height, voxels, width, voxels).mean(dim=(3, 5))


@pytest.mark.parametrize("size", [(13, 18), (9, 10, 11)])
@pytest.mark.parametrize("diffeomorphic", [True, False])
def test_any_size_and_every_part_learns(size, diffeomorphic):
    network = FieldNetwork(len(size), 4, scales=3, diffeomorphic=diffeomorphic)
    found = network.both_ways(*torch.rand(2, 2, 4, *size))
    assert [own.shape for own in found] == [(2, len(size), *size)] * 2
    sum(own.square().mean() for own in found).backward()
    for name, own in network.named_parameters():
        cancels = diffeomorphic and name.endswith("field.bias")  # the same both ways round
        assert bool(own.grad.any()) != cancels, name


def test_it_is_the_deformer_that_it_was_unless_it_is_asked_for():
    assert isinstance(Gemini(2, 1, 2, channels=(4, 8)).deformer, Deformer)
    for options in ({"deformer_scales": 2}, {"diffeomorphic": True}):
        network = Gemini(2, 1, 2, channels=(4, 8), **options)
        assert isinstance(network.deformer, FieldNetwork)
        assert torch.jit.script(network)(torch.rand(1, 1, 8, 8)).shape == (1, 2, 8, 8)


def test_no_scale_is_refused():
    with pytest.raises(ValueError, match="scales must be 1 or more, got 0"):
        FieldNetwork(2, 4, scales=0)
