"""To nnU-Net and back: its plans, our export as its checkpoint, and its checkpoints as a start."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.networks import Gemini, NnUNetBackbone
from gemini_monai.weights import export_nnunet, load_backbone, overlay_of_plans, read_card
from tests.networks.nnunet import ARCHITECTURE, IMPORTED, PLAIN, provide

DESCRIBED = {
    "_target_": "gemini_monai.networks.NnUNetBackbone",
    "network_class_name": PLAIN,
    "arch_kwargs": ARCHITECTURE,
    "in_channels": 1,
    "axes": [2, 1, 0],
}
PLANS = {
    "image_reader_writer": "SimpleITKIO",
    "transpose_forward": [0, 1, 2],
    "configurations": {
        "2d": {
            "spacing": [0.7, 0.8],
            "architecture": {
                "network_class_name": PLAIN,
                "arch_kwargs": ARCHITECTURE | {"strides": [[1, 1], [2, 2], [2, 2]]},
            },
        },
        "3d_fullres": {
            "spacing": [3.0, 0.8, 0.7],
            "architecture": {"network_class_name": PLAIN, "arch_kwargs": ARCHITECTURE},
        },
        "3d_cascade_fullres": {"inherits_from": "3d_fullres"},
    },
}


@pytest.fixture(params=["stand-in", "real"])
def network(request, monkeypatch):
    """A network that could have been trained, with nnU-Net's backbone."""
    provide(request.param, monkeypatch)
    backbone = NnUNetBackbone(PLAIN, ARCHITECTURE)
    return Gemini(3, 1, 2, backbone=backbone, feature_channels=4, backbone_multiple=4)


@pytest.fixture
def run_folder(network, tmp_path):
    folder = tmp_path / "run"
    (folder / "models").mkdir(parents=True)
    torch.save(network.state_dict(), folder / "models" / "model.pt")
    settings = {"spatial_dims": 3, "in_channels": 1, "backbone": DESCRIBED}
    settings |= {"spatial_size": [40, 36, 24], "spacing": [0.7, 0.8, 3.0]}
    record = {"bundle": "gemini_mip", "task": "pre-training", "settings": settings}
    (folder / "run.json").write_text(json.dumps(record | {"dataset": {"name": "balls"}}))
    return folder


def _plans(tmp_path, **changes):
    path = tmp_path / "nnUNetPlans.json"
    path.write_text(json.dumps(PLANS | changes))
    return path


def _theirs(backbone):
    """A checkpoint as nnU-Net 2.8.1 writes it: scores are numbers of NumPy."""
    weights = {name: value.clone() + 1 for name, value in backbone.state_dict().items()}
    weights["decoder.seg_layers.0.weight"] = torch.zeros(2, 4, 1, 1, 1)
    return {
        "network_weights": weights,
        "optimizer_state": {"state": {}, "param_groups": [{"lr": 0.01}]},
        "grad_scaler_state": None,
        "logging": {"train_losses": [np.float32(0.7)], "ema_fg_dice": [np.float64(0.5)]},
        "_best_ema": np.float32(0.5),
        "current_epoch": 1,
        "init_args": {"plans": PLANS, "device": torch.device("cpu")},
        "trainer_name": "nnUNetTrainer",
        "inference_allowed_mirroring_axes": (0, 1, 2),
    }


def test_plans_become_an_overlay_in_our_order_of_axes(tmp_path):
    found = overlay_of_plans(_plans(tmp_path))
    assert found == {
        "backbone": DESCRIBED | {"in_channels": "@in_channels"},
        "feature_channels": 4,
        "backbone_multiple": 4,
        "spacing": [0.7, 0.8, 3.0],
        "orientation": None,
    }


def test_plans_that_transpose_and_that_turn(tmp_path):
    path = _plans(
        tmp_path, transpose_forward=[1, 0, 2], image_reader_writer="NibabelIOWithReorient"
    )
    found = overlay_of_plans(path)
    assert found["backbone"]["axes"] == [1, 2, 0]  # y first, then z, x
    assert (found["spacing"], found["orientation"]) == ([0.7, 3.0, 0.8], "RAS")


def test_plans_of_slices(tmp_path):
    found = overlay_of_plans(_plans(tmp_path), "2d")
    assert (found["backbone"]["axes"], found["spacing"]) == ([1, 0], [0.8, 0.7])


@pytest.mark.parametrize(
    ("changes", "configuration", "message"),
    [
        ({}, "3d_lowres", "no configuration '3d_lowres' in it, but 2d, 3d_fullres, 3d_casc"),
        ({"configurations": {}}, "2d", "no configuration '2d' in it, but none"),
        ({}, "3d_cascade_fullres", "3d_cascade_fullres: 'architecture' is missing; expected plans"),
    ],
)
def test_plans_without_a_network_are_named(tmp_path, changes, configuration, message):
    with pytest.raises(InputError, match=rf"nnUNetPlans\.json: {message}"):
        overlay_of_plans(_plans(tmp_path, **changes), configuration)


def _changed(where, value):
    """The plans with one value deep in them changed."""
    plans = json.loads(json.dumps(PLANS))
    *path, last = ["configurations", "3d_fullres", *where]
    place = plans
    for name in path:
        place = place[name]
    place[last] = value
    return plans


KWARGS = ("architecture", "arch_kwargs")
EVIL = [
    (("spacing",), ["$print(1)", 1.0, 1.0], "spacing: .* would be evaluated"),
    ((*KWARGS, "features_per_stage"), ["$print(1)"], "would be evaluated"),
    ((*KWARGS, "conv_bias"), {"_target_": "os.system"}, "key '_target_' would be evaluated"),
    ((*KWARGS, "@x"), 1, "key '@x' would be evaluated"),
    ((*KWARGS, "conv_op"), "sent.layers.Conv3d", "conv_op: expected .*, got 'sent.layers.Conv3d'"),
    (("architecture", "network_class_name"), "sent.PlainConvUNet", "expected PlainConvUNet or"),
]


@pytest.mark.parametrize(("where", "value", "message"), EVIL, ids=[str(e[0][-1]) for e in EVIL])
def test_plans_with_something_to_run_make_no_overlay(tmp_path, where, value, message):
    path = tmp_path / "nnUNetPlans.json"
    path.write_text(json.dumps(_changed(where, value)))
    with pytest.raises(InputError, match=message):
        overlay_of_plans(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network_class_name": "sent.PlainConvUNet"}, "expected PlainConvUNet or Resid"),
        ({"arch_kwargs": ARCHITECTURE | {"nonlin": "sent.ReLU"}}, "nonlin: expected the name of"),
        ({"arch_kwargs": ARCHITECTURE | {"block": "$print(1)"}}, "would be evaluated"),
    ],
)
def test_what_nnunet_would_import_is_not_exported(tmp_path, change, message):
    (tmp_path / "run").mkdir()
    settings = {"spatial_dims": 3, "in_channels": 1, "backbone": DESCRIBED | change}
    record = {"bundle": "gemini_mip", "task": "pre-training", "settings": settings}
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match=message):
        export_nnunet(tmp_path / "run", tmp_path / "out.pth")
    assert not (tmp_path / "out.pth").exists()


def test_a_checkpoint_of_nnunet_is_a_start(network, tmp_path):
    theirs = _theirs(network.backbone)
    torch.save(theirs, tmp_path / "checkpoint_final.pth")
    loaded = load_backbone(network, tmp_path / "checkpoint_final.pth", verbose=False)
    assert (loaded.missing, loaded.unexpected) == ([], ["decoder.seg_layers.0.weight"])
    for name, value in network.backbone.state_dict().items():
        torch.testing.assert_close(value, theirs["network_weights"][name])


def test_the_encoder_alone_of_nnssl_is_a_start(network, tmp_path):
    theirs = _theirs(network.backbone)
    weights = theirs.pop("network_weights")
    encoder = {name: value for name, value in weights.items() if name.startswith("encoder.")}
    path = tmp_path / "checkpoint_final.pth"
    torch.save({"network_weights": encoder}, path)
    with pytest.raises(InputError, match="of the backbone's .* weights fit"):
        load_backbone(network, path)
    torch.save({"network_weights": encoder, "nnssl_adaptation_plan": {}}, path)
    loaded = load_backbone(network, path, verbose=False)
    assert loaded.matched == list(encoder)
    other = {f"eva.{name}": value for name, value in encoder.items() if "stages.0" in name}
    torch.save({"network_weights": other, "nnssl_adaptation_plan": {}}, path)
    with pytest.raises(InputError, match="of the encoder's .* weights fit"):
        load_backbone(network, path)


def test_an_export_is_read_safely_and_has_its_card(run_folder, network, tmp_path):
    file = export_nnunet(run_folder, tmp_path / "gemini.pth")
    saved = torch.load(file, weights_only=True)
    expected = network.backbone.state_dict()
    assert saved["network_weights"].keys() == expected.keys()
    assert read_card(file)["backbone"] == DESCRIBED
    assert read_card(file)["parameters"] == sum(p.numel() for p in network.backbone.parameters())
    plan = saved["nnssl_adaptation_plan"]
    assert plan["recommended_downstream_patchsize"] == [24, 36, 40]
    assert plan["pretrain_plan"]["configurations"]["pretraining"]["spacing"] == [3.0, 0.8, 0.7]
    assert plan["architecture_plans"]["arch_kwargs_requiring_import"] == IMPORTED
    with pytest.raises(InputError, match="is there already"):
        export_nnunet(run_folder, file)


def test_its_plan_scales_every_channel(run_folder, tmp_path):
    record = json.loads((run_folder / "run.json").read_text())
    record["settings"]["in_channels"] = 3
    (run_folder / "run.json").write_text(json.dumps(record))
    saved = torch.load(export_nnunet(run_folder, tmp_path / "gemini.pth"), weights_only=True)
    plan = saved["nnssl_adaptation_plan"]["pretrain_plan"]["configurations"]["pretraining"]
    assert plan["normalization_schemes"] == ["RescaleTo01Normalization"] * 3
    assert plan["use_mask_for_norm"] == [False] * 3


def test_what_nnunet_cannot_take_is_named(run_folder, tmp_path):
    with pytest.raises(InputError, match=r"x\.safetensors: nnU-Net reads PyTorch's files"):
        export_nnunet(run_folder, tmp_path / "x.safetensors")
    record = json.loads((run_folder / "run.json").read_text())
    for backbone, named in ((None, "the default backbone"), ({"_target_": "UNet"}, "UNet")):
        record["settings"]["backbone"] = backbone
        (run_folder / "run.json").write_text(json.dumps(record))
        with pytest.raises(InputError, match=f"nnU-Net has no place for {named}; train with"):
            export_nnunet(run_folder, tmp_path / "x.pth")


def _downstream(classes=5, **changes):
    """nnU-Net's network of the plans, by nnU-Net's own function."""
    plans = pytest.importorskip(
        "nnunetv2.utilities.get_network_from_plans", reason="heavy: see docs/how_to/nnunet.md"
    )
    known = {"allow_init": True, "deep_supervision": True} | changes
    return plans.get_network_from_plans(PLAIN, ARCHITECTURE, IMPORTED, 1, classes, **known)


@pytest.mark.parametrize("network", ["real"], indirect=True)
def test_nnunet_takes_encoder_and_decoder(run_folder, network, tmp_path):
    theirs = _downstream()
    from nnunetv2.run.load_pretrained_weights import load_pretrained_weights

    file = export_nnunet(run_folder, tmp_path / "gemini.pth")
    load_pretrained_weights(theirs, str(file))
    for name, value in network.backbone.state_dict().items():
        torch.testing.assert_close(theirs.state_dict()[name], value)
    image = torch.rand(1, 1, 16, 12, 8)
    theirs.decoder.deep_supervision = False
    features = network.backbone(image).permute(0, 1, 4, 3, 2)
    expected = theirs.eval()(image.permute(0, 1, 4, 3, 2))
    torch.testing.assert_close(theirs.decoder.seg_layers[-1](features), expected)


@pytest.mark.parametrize("network", ["real"], indirect=True)
def test_the_adaptation_plan_names_parts_that_fit(run_folder, network, tmp_path):
    saved = torch.load(export_nnunet(run_folder, tmp_path / "gemini.pth"), weights_only=True)
    plan, weights = saved["nnssl_adaptation_plan"], saved["network_weights"]
    theirs = _downstream()
    assert (plan["key_to_encoder"], plan["key_to_stem"]) == (
        theirs.key_to_encoder,
        theirs.key_to_stem,
    )
    assert set(plan["keys_to_in_proj"]) == set(theirs.keys_to_in_proj)
    for key in ("key_to_encoder", "key_to_stem"):
        prefix = f"{plan[key]}."
        part = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
        theirs.get_submodule(plan[key]).load_state_dict(part)


@pytest.mark.parametrize("network", ["real"], indirect=True)
def test_nnunets_own_network_saved_and_loaded_here(network, tmp_path):
    theirs = _downstream()
    path = tmp_path / "checkpoint_final.pth"
    torch.save(_theirs(network.backbone) | {"network_weights": theirs.state_dict()}, path)
    loaded = load_backbone(network, path, verbose=False)
    assert not loaded.missing
    assert all(".seg_layers." in name for name in loaded.unexpected)
