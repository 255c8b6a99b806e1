"""A backbone from any kind of source; an account of it; nothing loaded when little fits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.networks import Gemini, UNetBackbone
from gemini_monai.weights import import_published, load_backbone, load_network
from tests.weights.test_published import published_keys


def _network(seed=1, *, in_channels=1, out_channels=3, channels=(4, 8)):
    torch.manual_seed(seed)
    return Gemini(2, in_channels, out_channels, channels=channels)


def _equal(first, second):
    one, other = first.state_dict(), second.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


@pytest.fixture
def source():
    return _network(seed=0)


def test_only_the_backbone_is_loaded(source, tmp_path, capsys):
    torch.save(source.state_dict(), tmp_path / "model.pt")
    network, before = _network(), _network()
    loaded = load_backbone(network, tmp_path / "model.pt")
    assert _equal(network.backbone, source.backbone)
    assert _equal(network.head, before.head)
    assert len(loaded.matched) == len(source.backbone.state_dict())
    assert loaded.missing == loaded.unexpected == loaded.adapted == []
    printed = capsys.readouterr().out
    assert str(tmp_path / "model.pt") in printed
    assert f"matched  {len(loaded.matched):>4}" in printed


@pytest.mark.parametrize("kind", ["parallel", "last", "alone", "folder", "other_head"])
def test_every_kind_of_source(source, tmp_path, kind):
    state, path = source.state_dict(), tmp_path / "file.pt"
    if kind == "parallel":
        state = {f"module.{key}": value for key, value in state.items()}
    elif kind == "last":
        state = {"network": state, "iteration": 3}
    elif kind == "alone":
        state = source.backbone.state_dict()
    elif kind == "other_head":
        other = _network(seed=0, out_channels=7)
        state = other.state_dict() | {k: v for k, v in state.items() if k.startswith("backbone.")}
    elif kind == "folder":
        path = tmp_path / "run" / "models" / "model.pt"
        path.parent.mkdir(parents=True)
    torch.save(state, path)
    network = _network()
    load_backbone(network, tmp_path / "run" if kind == "folder" else path, verbose=False)
    assert _equal(network.backbone, source.backbone)


def test_a_bare_backbone_of_another_pipeline(source, tmp_path):
    torch.save(source.state_dict(), tmp_path / "model.pt")
    backbone = UNetBackbone(2, 1, (4, 8))
    load_backbone(backbone, tmp_path / "model.pt", verbose=False)
    assert _equal(backbone, source.backbone)


def test_a_published_checkpoint(tmp_path):
    channels = (8, 16, 24, 32, 40)
    source = Gemini(2, 1, 3, channels=channels)
    names = _published_names(published_keys())
    state = {names[key]: value for key, value in source.state_dict().items()}
    torch.save(state, tmp_path / "published.pth")
    network = Gemini(2, 1, 5, channels=channels)
    load_backbone(network, tmp_path / "published.pth", verbose=False)
    assert _equal(network.backbone, source.backbone)


def _published_names(keys):
    """Our name -> the authors', by sending each key's position through the import."""
    numbered = import_published({key: torch.tensor(k) for k, key in enumerate(keys)})
    return {ours: keys[int(number)] for ours, number in numbered.items()}


@pytest.mark.parametrize(("theirs", "ours"), [(1, 3), (4, 1)])
def test_other_input_channels_keep_the_response_to_equal_channels(tmp_path, theirs, ours):
    source = _network(seed=0, in_channels=theirs).eval()
    torch.save(source.state_dict(), tmp_path / "model.pt")
    network = _network(in_channels=ours).eval()
    loaded = load_backbone(network, tmp_path / "model.pt", verbose=False)
    assert loaded.adapted == ["encoder.0.0.conv.weight"]
    image = torch.rand(1, 1, 8, 8)
    found, expected = (
        net.features(image.expand(-1, count, -1, -1))
        for net, count in ((network, ours), (source, theirs))
    )
    torch.testing.assert_close(found, expected)


def test_little_that_fits_is_refused_and_nothing_changes(source, tmp_path):
    torch.save(_network(channels=(4, 16)).state_dict(), tmp_path / "model.pt")
    before = {key: value.clone() for key, value in source.state_dict().items()}
    said = r"only \d+ of the backbone's \d+ weights fit .*is \[16, 4, .*\] in the file and \[8, 4, "
    with pytest.raises(InputError, match=said):
        load_backbone(source, tmp_path / "model.pt")
    assert all(torch.equal(value, before[key]) for key, value in source.state_dict().items())
    loaded = load_backbone(source, tmp_path / "model.pt", min_share=0.1, verbose=False)
    assert loaded.missing
    assert loaded.unexpected
    assert "missing" in loaded.table()


def test_a_source_that_is_not_there(source, tmp_path):
    with pytest.raises(InputError, match=r"nowhere: no such weights file"):
        load_backbone(source, tmp_path / "nowhere")
    (tmp_path / "run").mkdir()
    with pytest.raises(InputError, match=r"run/models/model\.pt: no such weights file"):
        load_backbone(source, tmp_path / "run")


WRAPPED = {
    "lightning": lambda state: {"state_dict": {f"net.{k}": v for k, v in state.items()}},
    "compiled": lambda state: {f"_orig_mod.{k}": v for k, v in state.items()},
    "compiled and parallel": lambda state: {f"module._orig_mod.{k}": v for k, v in state.items()},
    "compiled inside": lambda state: {
        k.replace("backbone.", "backbone._orig_mod."): v for k, v in state.items()
    },
    "nnunet": lambda state: {"network_weights": state, "epoch": 3},
    "monai": lambda state: {"model": state, "optimizer": {"state": {}}},
}


@pytest.mark.parametrize("kind", WRAPPED)
@pytest.mark.parametrize("alone", [False, True])
def test_wrappers_of_others_are_taken_off(source, tmp_path, kind, alone):
    state = source.backbone.state_dict() if alone else source.state_dict()
    torch.save(WRAPPED[kind](state), tmp_path / "file.pt")
    network = _network()
    load_backbone(network, tmp_path / "file.pt", verbose=False)
    assert _equal(network.backbone, source.backbone)
    if not alone:
        assert _equal(load_network(_network(), tmp_path / "file.pt"), source)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.zeros(1)], "holds a list, expected weights by name"),
        (torch.zeros(2), "holds a Tensor, expected weights by name"),
        ({"epoch": 3}, "no weights in it, but 'epoch'"),
        ({"model": {"a": torch.zeros(1)}, "best": np.zeros(1)}, "an object of numpy"),
        ({"a": torch.tensor([1.0, float("nan")])}, "weight 'a' is not finite"),
        ({"other": torch.zeros(1)}, "the file has 'other' and so on"),
        (b"no weights", "not a readable weights file"),
        (b"", "not a readable weights file"),
    ],
)
def test_what_holds_no_weights_says_so_and_never_how_to_run_it(source, tmp_path, content, message):
    path = tmp_path / "file.pt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(InputError, match=rf"file\.pt: .*{message}") as raised:
        load_backbone(source, path)
    for advice in ("weights_only", "\x1b", "\n", "trust"):
        assert advice not in str(raised.value)
