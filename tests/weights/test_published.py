"""Weights: the published checkpoint's keys and values, and clear refusals."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.networks import Gemini
from gemini_monai.objectives import HomeomorphismObjective, SegmentationObjective
from gemini_monai.weights import import_published, load_network

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "reference2d.pt"
TINY = {"rtol": 1e-6, "atol": 1e-12}


def published_keys(levels=5):
    """Names of the authors' checkpoint, with one number each."""
    blocks = ["inc.double_conv"]
    blocks += [f"down{k}.maxpool_conv.1.double_conv" for k in range(1, levels)]
    blocks += [f"up{k}.conv.double_conv" for k in range(1, levels)]
    names = [f"unet.{block}.{k}" for block in blocks for k in (0, 1, 3, 4)]
    names += [f"deformer.0.Conv{n}.one_conv.{k}" for n in range(1, 6) for k in (0, 1)]
    names += ["deformer.1", "res_conv.0", "res_conv.1", "res_conv.3"]
    return [f"{name}.{kind}" for name in names for kind in ("weight", "bias")]


@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_every_published_key_is_one_of_ours(spatial_dims, prefix):
    state = {prefix + name: torch.zeros(()) for name in published_keys()}
    network = Gemini(spatial_dims, 1, 3, channels=(8, 16, 24, 32, 40))
    assert set(import_published(state)) == set(network.state_dict())


def test_a_foreign_key_is_named():
    with pytest.raises(InputError, match=r"key 'encoder.conv.weight': not of a published"):
        import_published({"encoder.conv.weight": torch.zeros(1)})


@pytest.fixture(scope="module")
def golden():
    if not GOLDEN.exists():
        pytest.skip("the reference values are not beside this checkout")
    saved = torch.load(GOLDEN, weights_only=True)
    network = Gemini(2, 1, 3, channels=saved["channels"][:5]).double()
    network.load_state_dict(import_published(saved["state_dict"]))
    return network, saved


def test_forward_pass_agrees_with_the_published_network(golden):
    network, saved = golden
    t = saved["tensors"]
    pair = network.correspond(t["A"], t["B"])
    for ours, theirs in zip(pair, ("fA", "fB", "flow_AB", "flow_BA"), strict=True):
        torch.testing.assert_close(ours, t[theirs], **TINY)
    torch.testing.assert_close(network(t["A"]), t["logits"], **TINY)


def test_losses_and_gradients_agree_with_the_published_step(golden):
    network, saved = golden
    t = saved["tensors"]
    terms = HomeomorphismObjective()(network, {"image_a": t["A"], "image_b": t["B"]})
    for name, term, weight in (
        ("smoothness", "loss_smooth", 0.4),
        ("visual", "loss_gvs", 1.0),
        ("semantic", "loss_gss", 0.8),
    ):
        torch.testing.assert_close(terms[name], weight * t[term], **TINY)
    network.zero_grad()
    total = sum(terms.values())
    torch.testing.assert_close(total, t["loss_total"], **TINY)
    total.backward()
    norms = import_published({k: torch.tensor(v) for k, v in saved["grad_norms"].items()})
    for name, norm in norms.items():
        ours = network.get_parameter(name).grad.norm()
        torch.testing.assert_close(float(ours), float(norm), **TINY)


@pytest.mark.parametrize("overlapping", [False, True])
def test_segmentation_losses_agree_with_the_published_ones(golden, overlapping):
    network, saved = golden
    t, kind = saved["tensors"], "sigmoid" if overlapping else "softmax"
    label = t["onehot"] if overlapping else t["onehot"].argmax(1, keepdim=True)
    objective = SegmentationObjective(weight=1.0, overlapping=overlapping)
    terms = objective(network, {"image": t["A"], "label": label})
    torch.testing.assert_close(terms["dice"], t[f"loss_dice_{kind}"], **TINY)
    torch.testing.assert_close(terms["cross_entropy"], t[f"loss_ce_{kind}"], **TINY)


def test_weights_come_back_from_a_flat_and_a_nested_file(tmp_path):
    network = Gemini(2, 1, 3, channels=(4, 8))
    torch.save(network.state_dict(), tmp_path / "model.pt")
    torch.save({"network": network.state_dict(), "epoch": 1}, tmp_path / "last.pt")
    for name in ("model.pt", "last.pt"):
        other = load_network(Gemini(2, 1, 3, channels=(4, 8)), tmp_path / name)
        for key, value in other.state_dict().items():
            assert torch.equal(value, network.state_dict()[key])


def test_weights_that_do_not_fit_are_refused(tmp_path):
    network = Gemini(2, 1, 3, channels=(4, 8))
    with pytest.raises(InputError, match="nothing.pt: no such weights file"):
        load_network(network, tmp_path / "nothing.pt")
    (tmp_path / "text.pt").write_text("not weights")
    with pytest.raises(InputError, match="text.pt: not a readable weights file"):
        load_network(network, tmp_path / "text.pt")
    torch.save(Gemini(2, 1, 5, channels=(4, 8)).state_dict(), tmp_path / "other.pt")
    with pytest.raises(
        InputError, match=r"'head.1.conv.weight'|'head.1.weight' is \(5, 16, 1, 1\)"
    ):
        load_network(network, tmp_path / "other.pt")
