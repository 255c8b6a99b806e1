"""Releases of others by their true layout: the network each is of, and what of it is loaded."""

from __future__ import annotations

import json

import pytest
import torch
from monai.bundle import ConfigParser

from gemini_monai.base.errors import InputError
from gemini_monai.networks import Gemini, network_of
from gemini_monai.weights import load_backbone, overlay_of_weights
from tests.networks.nnunet import PACKAGE
from tests.weights import releases

IMAGES = {"spatial_dims": 3, "in_channels": 1, "out_channels": 2}


def _saved(path, content):
    if path.suffix == ".safetensors":
        safe = pytest.importorskip("safetensors.torch")
        safe.save_file(content, path)
    else:
        torch.save(content, path)
    return path


def _loaded(path, capsys):
    """The network that the file asks for, with what was loaded, as a training would make it."""
    overlay = ConfigParser({**IMAGES, **overlay_of_weights(path)})
    described = {key: overlay.get_parsed_content(key, instantiate=False) for key in overlay.get()}
    described["backbone"] = overlay["backbone"] | {"in_channels": 1}
    network = network_of(described)
    loaded = load_backbone(network, path)
    shown = capsys.readouterr().out
    for kind, names in loaded._asdict().items():
        assert f"{kind:>11}  {len(names):>4}" in shown
    return network, loaded


def _same(network, state):
    own = network.backbone.state_dict()
    return all(torch.equal(own[name], value) for name, value in state.items())


def test_ct_fm_feature_extractor(tmp_path, capsys):
    state = releases.ct_fm_encoder()
    assert len(state) == 161
    network, loaded = _loaded(_saved(tmp_path / "model.safetensors", state), capsys)
    assert (len(loaded.matched), loaded.adapted, loaded.unexpected) == (161, [], [])
    assert all(name.startswith("up_layers.") for name in loaded.missing)
    assert _same(network, {f"encoder.{name}": value for name, value in state.items()})
    assert network.eval()(torch.rand(1, 1, 16, 32, 16)).shape == (1, 2, 16, 32, 16)


def test_ct_fm_segmenter_keeps_its_decoder_but_for_classes(tmp_path, capsys):
    state = releases.ct_fm_segmenter()
    network, loaded = _loaded(_saved(tmp_path / "model.safetensors", state), capsys)
    assert loaded.missing == ["up_layers.3.head.weight", "up_layers.3.head.bias"]
    assert all(".head." in name for name in loaded.unexpected)
    assert _same(network, {name: state[name] for name in loaded.matched})


def test_ct_fm_as_its_training_leaves_it(tmp_path, capsys):
    state = releases.ct_fm_encoder()
    inside = {f"model.backbone.{name}": value for name, value in state.items()}
    path = _saved(tmp_path / "epoch=449.ckpt", {"state_dict": inside, "epoch": 449})
    network, loaded = _loaded(path, capsys)
    assert len(loaded.matched) == 161
    assert _same(network, {f"encoder.{name}": value for name, value in state.items()})


@pytest.mark.parametrize("kind", ["anatomix", "anatomix_dev"])
def test_anatomix_is_loaded_whole(tmp_path, capsys, kind):
    state = getattr(releases, kind)()
    network, loaded = _loaded(_saved(tmp_path / f"{kind}.pth", state), capsys)
    assert len(loaded.matched) == len(state)
    assert loaded.missing == loaded.unexpected == loaded.adapted == []
    assert _same(network, {name.removeprefix("_orig_mod."): v for name, v in state.items()})
    assert network.backbone.instance == (kind == "anatomix_dev")
    assert network.backbone_multiple == (32 if kind == "anatomix" else 64)


def test_openmind_res_enc_l_is_described_as_nnssl_makes_it(tmp_path):
    content = releases.nnssl_checkpoint(releases.res_enc(), releases.adaptation_plan())
    found = overlay_of_weights(_saved(tmp_path / "checkpoint_final.pth", content))
    assert (found["feature_channels"], found["backbone_multiple"]) == (32, 32)
    assert found["backbone"]["network_class_name"] == "ResidualEncoderUNet"
    assert found["backbone"]["arch_kwargs"]["features_per_stage"] == [32, 64, 128, 256, 320, 320]


@pytest.mark.parametrize("kind", ["MAE", "VoCo"])
def test_nnssl_encoder_and_where_there_is_one_decoder(tmp_path, capsys, kind):
    pytest.importorskip(PACKAGE, reason="heavy: pip install '.[nnunet]'")
    state = releases.res_enc() if kind == "MAE" else releases.res_enc_encoder()
    plan = releases.adaptation_plan("ResidualEncoderUNet", releases.TINY)
    heads = {"projector.layer1.0.weight": torch.rand(4, 18)} if kind == "VoCo" else {}
    path = _saved(tmp_path / "final.pth", releases.nnssl_checkpoint(state | heads, plan))
    network, loaded = _loaded(path, capsys)
    encoder = {name: v for name, v in state.items() if name.startswith("encoder.")}
    assert len(encoder) == 100
    assert _same(network, encoder)
    assert _same(network, {f"decoder.{name}": value for name, value in encoder.items()})
    if kind == "MAE":
        assert loaded.missing == []
        assert all(".seg_layers." in name for name in loaded.unexpected)
    else:
        assert loaded.matched == list(encoder)
        assert {name.split(".")[1] for name in loaded.missing} == {"stages", "transpconvs"}
        assert loaded.unexpected == list(heads)
    assert network(torch.rand(1, 1, 8, 8, 8)).shape == (1, 2, 8, 8, 8)


@pytest.mark.parametrize(
    "content",
    [
        releases.nnssl_checkpoint(releases.primus(), releases.adaptation_plan("PrimusM")),
        releases.primus(),
        {f"encoder.{name}": value for name, value in releases.primus().items()},
    ],
    ids=["nnssl", "anatomix-dev-vit", "SimCLR"],
)
def test_transformers_of_patches_are_refused_with_what_would_do(tmp_path, content):
    path = _saved(tmp_path / "vit.pth", content)
    said = r"vit\.pth: of .*Primus.*patches and not of voxels; take a release with a U-Net"
    with pytest.raises(InputError, match=said):
        overlay_of_weights(path)
    with pytest.raises(InputError, match=said):
        load_backbone(Gemini(3, 1, 2, channels=(4, 8)), path)


ADVISED = {
    "OpenMind": (
        releases.nnssl_checkpoint(releases.res_enc(), releases.adaptation_plan()),
        r"it is of nnssl's ResEncL, 3-D: 'gemini plans .*x\.pth NEW\.json' writes its network",
    ),
    "CT-FM": (releases.ct_fm_encoder(), "it is of CT-FM, 3-D: 'gemini plans"),
    "anatomix": (releases.anatomix(), "it is of anatomix, 3-D: 'gemini plans"),
    "ours": (Gemini(3, 1, 2, channels=(4, 8, 8)).state_dict(), r"give --channels \[4,8,8\]$"),
}


@pytest.mark.parametrize("kind", ADVISED)
def test_what_does_not_fit_says_what_would(tmp_path, kind):
    content, said = ADVISED[kind]
    path = _saved(tmp_path / "x.pth", content)
    with pytest.raises(InputError, match=rf"weights fit .*first missing: .*; {said}"):
        load_backbone(Gemini(3, 1, 2, channels=(4, 8)), path)


def test_our_own_backbone_is_told_by_its_widths(tmp_path):
    network = Gemini(2, 1, 2, channels=(4, 8, 8))
    for state in (network.state_dict(), network.backbone.state_dict()):
        path = _saved(tmp_path / "x.pt", state)
        assert overlay_of_weights(path) == {"channels": [4, 8, 8]}


def test_what_is_nearly_a_release_is_none(tmp_path):
    state = releases.anatomix()
    state["model.99.weight"] = state.pop("model.65.weight")
    other = {
        name.replace("running_mean", "mean"): v for name, v in releases.ct_fm_encoder().items()
    }
    plan = releases.adaptation_plan("Another")
    for content in (state, other, {"a": torch.rand(2)}, releases.nnssl_checkpoint(state, plan)):
        with pytest.raises(InputError, match="of no network that is known; known are nnssl"):
            overlay_of_weights(_saved(tmp_path / "x.pt", content))


@pytest.mark.parametrize("kwargs", [{"conv_op": "sent.Conv3d"}, {"nonlin": "$print(1)"}])
def test_a_plan_with_something_to_run_is_refused(tmp_path, kwargs):
    plan = releases.adaptation_plan("ResidualEncoderUNet", releases.TINY | kwargs)
    path = _saved(tmp_path / "x.pth", releases.nnssl_checkpoint(releases.res_enc(), plan))
    with pytest.raises(InputError, match=r"expected the name of|would be evaluated"):
        overlay_of_weights(path)


def test_the_command_writes_the_overlay(tmp_path, monkeypatch, capsys):
    from tests.commands.calls import call

    path, out = _saved(tmp_path / "anatomix.pth", releases.anatomix()), tmp_path / "net.json"
    call(monkeypatch, "plans", path, out)
    assert json.loads(out.read_text()) == overlay_of_weights(path)
    assert capsys.readouterr().out.strip() == str(out)
