"""Networks from plain data: what is made, and what is not run."""

from __future__ import annotations

import pytest
from monai.networks.nets import BasicUNet, UNet
from torch import nn

from gemini_monai.errors import InputError
from gemini_monai.networks import built_network

UNET = {"spatial_dims": 2, "in_channels": 1, "out_channels": 4}


def test_a_network_and_nothing_are_returned_as_they_are():
    network = nn.Identity()
    assert built_network(network) is network
    assert built_network(None) is None


@pytest.mark.parametrize("name", ["BasicUNet", "monai.networks.nets.BasicUNet"])
def test_a_class_by_short_or_full_name(name):
    assert isinstance(built_network({"_target_": name, **UNET}), BasicUNet)


def test_arguments_arrive():
    described = {"_target_": "UNet", **UNET, "channels": [4, 8], "strides": [2]}
    network = built_network(described)
    assert isinstance(network, UNet)
    assert (network.channels, network.strides) == ([4, 8], [2])


def test_an_argument_may_be_a_network():
    relu = {"_target_": "torch.nn.LeakyReLU", "negative_slope": 0.3}
    made = built_network(
        {
            "_target_": "gemini_monai.networks.Gemini",
            **UNET,
            "backbone": relu,
            "feature_channels": 1,
        }
    )
    assert made.backbone.negative_slope == 0.3


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ("BasicUNet", "expected a network's '_target_'"),
        ({"spatial_dims": 2}, "expected a network's '_target_'"),
        ({"_target_": "os.system", "command": "true"}, "'os.system' is no class of a network"),
        ({"_target_": "subprocess.Popen", "args": "true"}, "is no class of a network"),
        ({"_target_": "nowhere.Net"}, "'nowhere.Net' is not installed; give the overlay"),
        ({"_target_": "BasicUNet", "act": "$print(1)"}, r"backbone: act: .* would be evaluated"),
        ({"_target_": "BasicUNet", "act": ["@x"]}, "would be evaluated"),
        ({"_target_": "BasicUNet", "_requires_": "x"}, "key '_requires_' would be evaluated"),
        ({"_target_": "BasicUNet", "a": {"_target_": "os.abort"}}, "'os.abort' is no class"),
        ({"_target_": "BasicUNet", "width": 3}, "BasicUNet cannot be made: .*width"),
    ],
)
def test_anything_else_is_named_and_not_run(described, message, monkeypatch):
    monkeypatch.setattr("os.system", lambda *_: pytest.fail("it ran"))
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("it ran"))
    with pytest.raises(InputError, match=message):
        built_network(described)
