"""DPA-DenseBiasNet: the prior learns of noise alone, the segmenter of it; hard regions."""

from __future__ import annotations

import math

import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.networks import Gemini, PriorUNetBackbone
from gemini_monai.study.methods import DeepPrior


@pytest.fixture(params=[1, 2])
def case(request):
    """Network and batch of images of one channel, and of two."""
    channels = request.param
    backbone = PriorUNetBackbone(2, channels, channels=(4, 8))
    network = Gemini(2, channels, 3, backbone=backbone, feature_channels=4).double()
    batch = {
        "image": torch.rand(2, channels, 5, 6).double(),
        "unlabeled": torch.rand(3, channels, 5, 6).double(),
        "label": torch.randint(3, (2, 1, 5, 6)),
    }
    return network, batch


@pytest.mark.parametrize("error", [0.1, 0.6])
def test_hard_regions_are_where_a_class_is_off_its_label(case, error):
    network, batch = case
    found = DeepPrior(weight=3.0, error=error)(network, batch)["hard_regions"]
    costs = []
    for image, label in zip(batch["image"], batch["label"], strict=True):
        chances = network(image[None])[0].softmax(0)
        for x in range(5):
            for y in range(6):
                for c in range(3):
                    chance, is_it = float(chances[c, x, y]), int(label[0, x, y]) == c
                    if abs(chance - is_it) > error:
                        costs.append(-math.log((chance if is_it else 1 - chance) + 1e-6))
    assert costs
    assert float(found) == pytest.approx(3 * sum(costs) / len(costs), rel=1e-6)


def test_without_hard_regions_nothing_is_lost(case):
    network, batch = case
    found = DeepPrior(error=1.0)(network, batch)["hard_regions"]
    found.backward()
    assert float(found) == 0.0


def test_noise_is_undone_by_the_prior_and_teaches_it_alone(case):
    network, batch = case
    torch.manual_seed(3)
    found = DeepPrior(restoration=7.0, noise=0.3)(network, batch)["denoising"]
    torch.manual_seed(3)
    clean = torch.cat([batch["image"], batch["unlabeled"]])
    noisy = clean + 0.3 * torch.randn_like(clean)
    restored = network.backbone.restored(noisy)
    assert float(found) == pytest.approx(7 * float(((restored - clean) ** 2).mean()))
    found.backward()
    trained = ("backbone.prior.", "backbone.restore.")
    for name, own in network.named_parameters():
        assert (own.grad is not None and bool(own.grad.any())) == name.startswith(trained), name


def test_labels_teach_all_but_the_prior(case):
    network, batch = case
    DeepPrior()(network, batch)["hard_regions"].backward()
    idle = ("backbone.prior.", "backbone.restore.", "deformer.")
    for name, own in network.named_parameters():
        assert (own.grad is not None and bool(own.grad.any())) != name.startswith(idle), name


def test_another_prior_makes_another_segmenter(case):
    network, batch = case
    first = network(batch["image"])
    with torch.no_grad():
        network.backbone.prior.encoder[0][0].conv.weight.neg_()
    assert not torch.allclose(network(batch["image"]), first)


@pytest.mark.parametrize("size", [(8, 8), (7, 5)])
def test_features_and_levels_have_the_sizes_of_a_unet(size):
    backbone = PriorUNetBackbone(2, channels=(4, 8, 16))
    assert backbone(torch.rand(1, 1, *size)).shape == (1, 4, *size)
    shapes = [list(level.shape[1:]) for level in backbone.levels(torch.rand(1, 1, 8, 8))]
    assert shapes == [[4, 8, 8], [8, 4, 4], [16, 2, 2]]


def test_it_can_be_scripted():
    backbone = PriorUNetBackbone(3, channels=(4, 8))
    image = torch.rand(1, 1, 4, 5, 6)
    torch.testing.assert_close(torch.jit.script(backbone)(image), backbone(image))


def test_a_backbone_without_prior_and_overlapping_structures_are_refused(case):
    network, batch = case
    label = batch["label"].expand(-1, 2, -1, -1)
    with pytest.raises(InputError, match=r"label: 2 channels.*exclusive"):
        DeepPrior()(network, batch | {"label": label})
    plain = Gemini(2, batch["image"].shape[1], 3, channels=(4, 8)).double()
    with pytest.raises(InputError, match="needs a PriorUNetBackbone, got UNetBackbone"):
        DeepPrior()(plain, batch)
