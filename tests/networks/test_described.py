"""Networks from plain data: what is made, and what is not run."""

from __future__ import annotations

import pytest
from monai.networks.nets import BasicUNet, EfficientNetBN, UNet
from torch import nn

from gemini_monai.base.errors import InputError
from gemini_monai.networks import built_network, network_of

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
        ({"_target_": "os.system", "command": "true"}, "'os.system' is not of monai.networks"),
        ({"_target_": "subprocess.Popen", "args": "true"}, "is not of monai.networks"),
        ({"_target_": "nowhere.Net"}, "'nowhere.Net' is not of .*; give the overlay"),
        ({"_target_": "torch.nn.Nowhere"}, "'torch.nn.Nowhere' is not installed; give the overlay"),
        ({"_target_": "torch.nn.init.normal_"}, "is no class of a network; give the overlay"),
        ({"_target_": "torch.nn.modules.module.Module.torch.hub"}, "is not installed"),
        ({"_target_": "torch.hub.load", "repo_or_dir": "a/b"}, "is not of monai.networks"),
        ({"_target_": "monai.losses.PerceptualLoss"}, "is not of monai.networks"),
        ({"_target_": "monai.networks.nets.resnet.resnet18"}, "is no class of a network"),
        ({"_target_": "monai.networks.nets.transchex.Transchex"}, "is not of monai.networks"),
        ({"_target_": "gemini_monai.__main__.main"}, "is not of monai.networks"),
        ({"_target_": "monai.networksx.Net"}, "is not of monai.networks"),
        ({"_target_": ["os.system"]}, "is not of monai.networks"),
        ({"_target_": "BasicUNet", "act": "https://x.y/z.pt"}, "is an address, and nothing is fe"),
        ({"_target_": "BasicUNet", "act": ["relu", {"a": "file:///x"}]}, "is an address"),
        ({"_target_": "BasicUNet", "$x": 1}, "would be evaluated"),
        ({"_target_": "BasicUNet", "act": "$print(1)"}, r"backbone: act: .* would be evaluated"),
        ({"_target_": "BasicUNet", "act": ["@x"]}, "would be evaluated"),
        ({"_target_": "BasicUNet", "_requires_": "x"}, "key '_requires_' would be evaluated"),
        ({"_target_": "BasicUNet", "a": {"_target_": "os.abort"}}, "'os.abort' is not of"),
        ({"_target_": "BasicUNet", "width": 3}, "BasicUNet cannot be made: .*width"),
    ],
)
def test_anything_else_is_named_and_not_run(described, message, monkeypatch):
    monkeypatch.setattr("os.system", lambda *_: pytest.fail("it ran"))
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("it ran"))
    with pytest.raises(InputError, match=message):
        built_network(described)


@pytest.fixture
def fetched(monkeypatch):
    """Addresses that a network asked for."""
    asked = []

    def fetch(address, *arguments, **options):
        asked.append(address)
        raise RuntimeError("no network")

    for name in ("densenet", "senet"):
        monkeypatch.setattr(f"monai.networks.nets.{name}.load_state_dict_from_url", fetch)
    monkeypatch.setattr("monai.networks.nets.efficientnet.model_zoo.load_url", fetch)
    monkeypatch.setattr("monai.networks.nets.hovernet.download_url", fetch)
    monkeypatch.setattr("monai.networks.nets.resnet.get_pretrained_resnet_medicalnet", fetch)
    return asked


WIDE = {"spatial_dims": 2, "in_channels": 3, "out_channels": 4}
EFFICIENT = {"_target_": "EfficientNetBN", "model_name": "efficientnet-b0"}
RESNET = {"_target_": "monai.networks.nets.ResNetFeatures", "model_name": "resnet10"}


@pytest.mark.parametrize(
    "described",
    [
        {"_target_": "DenseNet121", **WIDE, "pretrained": True},
        EFFICIENT | {"pretrained": True},
        EFFICIENT,  # fetches unless it is told not to
        RESNET,
        RESNET | {"pretrained": True},
        {"_target_": "torch.nn.DataParallel", "module": EFFICIENT},
        {"_target_": "HoVerNet", "mode": "original", "pretrained_url": "weights.pt"},
    ],
    ids=lambda described: f"{described['_target_']}-{len(described)}",
)
def test_nothing_is_fetched(described, fetched):
    assert isinstance(built_network(described), nn.Module)
    assert fetched == []


def test_what_would_fetch_is_told_by_the_stand_in(fetched):
    with pytest.raises(RuntimeError, match="no network"):
        EfficientNetBN("efficientnet-b0")
    assert len(fetched) == 1


def test_no_module_of_another_package_is_imported(tmp_path, monkeypatch):
    (tmp_path / "h3_received.py").write_text("raise SystemExit('it ran')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"'h3_received\.Net' is not of"):
        built_network({"_target_": "h3_received.Net"})


def test_a_network_of_a_run_may_be_given(tmp_path):
    settings = {**UNET, "channels": [4, 8], "feature_channels": 3, "backbone": {"_target_": "x.Y"}}
    own = nn.Conv2d(1, 3, 1)
    assert network_of(settings, backbone=own).backbone is own
    with pytest.raises(InputError, match=r"'x\.Y' is not of"):
        network_of(settings)
    with pytest.raises(InputError, match="the settings of the run describe no network"):
        network_of({"channels": [4, 8]})
