"""Encoders of torchvision, MedicalNet and CT-FM, on files of the layout of theirs."""

from __future__ import annotations

import pytest
import torch
from monai.networks.nets import FlexibleUNet, SegResNetDS, resnet10
from monai.networks.nets.segresnet_ds import SegResEncoder

from gemini_monai.base.errors import InputError
from gemini_monai.networks import Gemini
from gemini_monai.weights import load_backbone


def _unet(dims, channels=1):
    backbone = FlexibleUNet(
        channels, 8, "resnet10", spatial_dims=dims, decoder_channels=(16, 16, 8, 8, 8)
    )
    return Gemini(dims, channels, 3, backbone=backbone, feature_channels=8, backbone_multiple=32)


def _same(network, state):
    own = network.backbone.encoder.state_dict()
    shared = own.keys() & state.keys()
    return shared and all(torch.equal(own[key], state[key]) for key in shared)


def test_medicalnet_with_its_wrapper_and_segmentation_layer(tmp_path):
    state = resnet10(
        spatial_dims=3, n_input_channels=1, feed_forward=False, bias_downsample=False
    ).state_dict()
    wrapped = {f"module.{key}": value for key, value in state.items()}
    wrapped["module.conv_seg.0.weight"] = torch.rand(2, 2, 2, 2, 2)
    torch.save({"state_dict": wrapped}, tmp_path / "resnet_10.pth")
    network = _unet(3)
    assert not _same(network, state)
    loaded = load_backbone(network, tmp_path / "resnet_10.pth", verbose=False)
    assert _same(network, state)
    assert loaded.unexpected == ["encoder.conv_seg.0.weight"]
    assert not any(key.startswith("encoder.") for key in loaded.missing)
    assert network.eval()(torch.rand(1, 1, 32, 32, 32)).shape == (1, 3, 32, 32, 32)


def test_torchvision_of_three_colors_sees_one(tmp_path):
    state = resnet10(
        spatial_dims=2, n_input_channels=3, num_classes=5, bias_downsample=False
    ).state_dict()
    torch.save(state, tmp_path / "resnet.pth")
    network = _unet(2)
    loaded = load_backbone(network, tmp_path / "resnet.pth", verbose=False)
    assert loaded.adapted == ["encoder.conv1.weight"]
    gray = torch.rand(1, 1, 40, 40)
    first = torch.nn.functional.conv2d(gray.expand(1, 3, 40, 40), state["conv1.weight"])
    ours = torch.nn.functional.conv2d(gray, network.backbone.encoder.conv1.weight)
    torch.testing.assert_close(ours, first, rtol=1e-4, atol=1e-5)
    assert {key.split(".")[1] for key in loaded.unexpected} == {"fc"}


def test_the_encoder_of_a_residual_segmenter(tmp_path):
    state = SegResEncoder(spatial_dims=3, init_filters=4, in_channels=1).state_dict()
    torch.save(state, tmp_path / "encoder.pt")
    backbone = SegResNetDS(spatial_dims=3, init_filters=4, in_channels=1, out_channels=4)
    network = Gemini(3, 1, 2, backbone=backbone, feature_channels=4, backbone_multiple=16)
    load_backbone(network, tmp_path / "encoder.pt", verbose=False)
    assert _same(network, state)


def test_too_little_of_an_encoder_is_refused(tmp_path):
    state = resnet10(spatial_dims=3, n_input_channels=1).state_dict()
    part = {key: value for key, value in state.items() if key.startswith(("conv1", "bn1"))}
    torch.save(part, tmp_path / "part.pth")
    network = _unet(3)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with pytest.raises(InputError, match=r"only 6 of the encoder's \d+ weights fit"):
        load_backbone(network, tmp_path / "part.pth")
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
