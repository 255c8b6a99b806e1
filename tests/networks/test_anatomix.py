"""The U-Net of anatomix: its layers one by one, and sizes in both dimensions."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gemini_monai.networks import AnatomixBackbone


def _filled(dims, **options):
    torch.manual_seed(0)
    network = AnatomixBackbone(dims, 1, 3, 2, **options).eval()
    for value in network.parameters():
        nn.init.normal_(value, std=0.3)
    for name, value in network.named_buffers():
        if name.endswith("running_mean"):
            nn.init.normal_(value)
    return network


@pytest.mark.parametrize("instance", [False, True])
def test_every_layer_of_one_level_by_its_number(instance):
    network = _filled(2, depth=1, instance=instance)
    state = network.state_dict()

    def unit(x, place, *, last=False):
        bias = state.get(f"model.{place}.bias")
        x = F.pad(x, (1, 1, 1, 1), mode="reflect")
        x = F.conv2d(x, state[f"model.{place}.weight"], bias)
        if last:
            return x
        if instance:
            mean, var = x.mean((2, 3), keepdim=True), x.var((2, 3), keepdim=True, correction=0)
            return F.relu((x - mean) / (var + 1e-2).sqrt())
        norm = [state[f"model.{place + 1}.{part}"] for part in ("running_mean", "running_var")]
        affine = [state[f"model.{place + 1}.{part}"] for part in ("weight", "bias")]
        return F.relu(F.batch_norm(x, *norm, *affine))

    image = torch.rand(1, 1, 8, 12)
    skip = unit(unit(unit(image, 0), 3), 6)
    deep = F.avg_pool2d(skip, 2) if instance else F.max_pool2d(skip, 2)
    deep = unit(unit(deep, 10), 13)
    mode = {"mode": "bilinear", "align_corners": False} if instance else {"mode": "nearest"}
    up = torch.cat([skip, F.interpolate(deep, scale_factor=2, **mode)], dim=1)
    expected = unit(unit(unit(up, 17), 20), 23, last=True)
    torch.testing.assert_close(network(image), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("dims", "sizes"), [(2, (32, 64)), (3, (32, 32, 64))])
def test_sizes_stay(dims, sizes):
    for instance in (False, True):
        network = AnatomixBackbone(dims, 2, 5, 2, instance=instance)
        assert network(torch.rand(2, 2, *sizes)).shape == (2, 5, *sizes)
