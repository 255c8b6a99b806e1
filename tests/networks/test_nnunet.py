"""The networks of nnU-Net as backbones: features, axes, names, and what is refused."""

from __future__ import annotations

import sys

import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.networks import Gemini, NnUNetBackbone, built_network
from tests.networks.nnunet import ARCHITECTURE, PACKAGE, PLAIN, provide

IMAGE = (1, 1, 8, 12, 4)
TWO = {
    **ARCHITECTURE,
    "conv_op": "torch.nn.modules.conv.Conv2d",
    "norm_op": "torch.nn.modules.instancenorm.InstanceNorm2d",
    "kernel_sizes": [[3, 3]] * 3,
    "strides": [[1, 1], [2, 2], [2, 2]],
}


@pytest.fixture(params=["stand-in", "real"])
def package(request, monkeypatch):
    provide(request.param, monkeypatch)
    return request.param


def test_features_at_the_images_resolution_and_no_layer_for_classes(package):
    backbone = NnUNetBackbone(PLAIN, ARCHITECTURE)
    features = backbone(torch.rand(IMAGE))
    assert features.shape == (1, 4, *IMAGE[2:])
    names = set(backbone.state_dict())
    assert not [name for name in names if "seg_layers" in name]
    inside = {f"decoder.{name}" for name in names if name.startswith("encoder.")}
    assert inside
    assert inside < names
    features.square().mean().backward()
    for name, parameter in backbone.named_parameters():
        assert parameter.grad is not None, name


@pytest.mark.parametrize(("axes", "order"), [(None, [4, 3, 2]), ([1, 2, 0], [3, 4, 2])])
def test_it_sees_the_axes_in_nnunets_order(package, axes, order):
    backbone = NnUNetBackbone(PLAIN, ARCHITECTURE, axes=axes).eval()
    image = torch.rand(1, 1, 8, 8, 8)
    expected = torch.empty(1, 4, 8, 8, 8)
    expected.permute(0, 1, *order)[:] = backbone.decoder(
        backbone.encoder(image.permute(0, 1, *order))
    )
    torch.testing.assert_close(backbone(image), expected)
    assert not torch.allclose(backbone(image), backbone.decoder(backbone.encoder(image)))


def test_a_record_makes_it_again_and_it_serves_a_gemini(package):
    described = {
        "_target_": "gemini_monai.networks.NnUNetBackbone",
        "network_class_name": "ResidualEncoderUNet" if package == "stand-in" else PLAIN,
        "arch_kwargs": TWO,
        "in_channels": 2,
    }
    backbone = built_network(described)
    network = Gemini(2, 2, 3, backbone=backbone, feature_channels=4, backbone_multiple=4)
    images = torch.rand(2, 2, 18, 13)
    assert network(images).shape == (2, 3, 18, 13)
    assert network.correspond(images).ddf_ab.shape == (2, 2, 18, 13)


def test_a_residual_encoder_is_made_too(monkeypatch):
    provide("real", monkeypatch)
    plan = {name: value for name, value in TWO.items() if name != "n_conv_per_stage"}
    backbone = NnUNetBackbone("ResidualEncoderUNet", plan | {"n_blocks_per_stage": [1, 1, 1]})
    assert backbone(torch.rand(2, 1, 8, 8)).shape == (2, 4, 8, 8)
    assert any(name.startswith("encoder.stem.") for name in backbone.state_dict())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"network_class_name": "os.system"}, "expected PlainConvUNet or Resid.*, got os.system"),
        ({"conv_op": None}, "conv_op: expected the name of torch.nn.Conv2d or .*Conv3d, got None"),
        ({"conv_op": "torch.nn.Linear"}, "conv_op: expected .*, got 'torch.nn.Linear'"),
        ({"nonlin": "os.system"}, "nonlin: expected the name of a layer of torch.nn, got 'os.sys"),
        ({"norm_op": "torch.nn.init"}, "norm_op: expected the name of a layer of torch.nn"),
        ({"axes": [0, 1]}, r"axes: expected an order of 3 axes, got \[0, 1\]"),
        ({"axes": [0, 1, 1]}, "axes: expected an order of 3 axes"),
    ],
)
def test_anything_else_is_named(given, message, monkeypatch):
    provide("stand-in", monkeypatch)
    own = {key: given[key] for key in ("network_class_name", "axes") if key in given}
    plan = ARCHITECTURE | {key: value for key, value in given.items() if key in ARCHITECTURE}
    with pytest.raises(InputError, match=message):
        NnUNetBackbone(**{"network_class_name": PLAIN, "arch_kwargs": plan} | own)


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, f"{PACKAGE}.architectures", None)
    described = {"_target_": "gemini_monai.networks.NnUNetBackbone", "network_class_name": PLAIN}
    with pytest.raises(InputError, match=r"pip install \"dynamic_network_architectures>=0"):
        built_network(described | {"arch_kwargs": ARCHITECTURE})
