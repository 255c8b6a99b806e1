"""Self-attention at the bottom of a U-Net: who sees whom, positions, sizes, low memory."""

from __future__ import annotations

import copy

import pytest
import torch

from gemini_monai.networks import (
    Gemini,
    TokenTransformer,
    UNetBackbone,
    reinitialized,
    set_memory,
)

SIZES = {2: (6, 5), 3: (3, 4, 5)}


def _transformer(dims, **options):
    torch.manual_seed(0)
    sizes = {"hidden_size": 24, "layers": 2, "heads": 4, "mlp_size": 32, "grid": (4,) * dims}
    return TokenTransformer(dims, 8, **(sizes | options)).double()


def _level(dims):
    torch.manual_seed(1)
    return torch.rand(1, 8, *SIZES[dims], dtype=torch.float64)


def _hybrid(dims):
    return UNetBackbone(dims, 1, (4, 8), bottleneck=_transformer(dims)).double()


@pytest.mark.parametrize("dims", [2, 3])
def test_every_place_sees_every_other(dims):
    level = _level(dims).requires_grad_()
    attended = _transformer(dims).attended(level)
    corner = (0, 0, *(size - 1 for size in SIZES[dims]))
    (gradient,) = torch.autograd.grad(attended[corner], level)
    assert (gradient.abs().sum(1) > 0).all()


def test_only_positions_tell_places_apart():
    transformer, level = _transformer(2), _level(2)
    turned = level.flip(2, 3)
    assert not torch.allclose(transformer.attended(turned), transformer.attended(level).flip(2, 3))
    torch.nn.init.zeros_(transformer.position)
    torch.testing.assert_close(transformer.attended(turned), transformer.attended(level).flip(2, 3))


def test_positions_of_their_own_grid_are_taken_as_they_are():
    transformer = _transformer(2, layers=0, grid=SIZES[2])
    transformer.norm = torch.nn.Identity()
    level = _level(2)
    expected = transformer.embed(level) + transformer.position
    torch.testing.assert_close(transformer.attended(level), expected)


def test_positions_of_a_larger_map_lie_between_those_of_the_grid():
    transformer = _transformer(2, layers=0, grid=(2, 2))
    transformer.norm = torch.nn.Identity()
    torch.nn.init.zeros_(transformer.embed.weight)
    torch.nn.init.zeros_(transformer.embed.bias)
    with torch.no_grad():
        transformer.position[:] = torch.tensor([[0.0, 0.0], [4.0, 4.0]])
    rows = transformer.attended(torch.zeros(1, 8, 4, 4, dtype=torch.float64))[0, 0, :, 0]
    assert rows.tolist() == [0, 1, 3, 4]


def test_the_default_is_a_vit_b():
    found = sum(own.numel() for own in TokenTransformer(2, 16).layers.parameters())
    attention, perceptron, norms = 4 * 768**2 + 768, 2 * 768 * 3072 + 3072 + 768, 4 * 768
    unused = 2 * 768  # a norm that MONAI's block keeps for cross-attention
    assert found == 12 * (attention + perceptron + norms + unused)


@pytest.mark.parametrize("dims", [2, 3])
def test_a_hybrid_takes_any_size_learns_everywhere_and_scripts(dims):
    backbone = _hybrid(dims)
    image = torch.rand(2, 1, *(11, 10, 9)[:dims], dtype=torch.float64)
    features = backbone(image)
    assert features.shape == (2, 4, *image.shape[2:])
    torch.testing.assert_close(torch.jit.script(backbone)(image), features)
    features.square().mean().backward()
    idle = {name for name, own in backbone.named_parameters() if own.grad is None}
    assert all("norm_cross_attn" in name for name in idle)


def test_low_memory_has_the_same_gradients():
    network = Gemini(2, 1, 3, backbone=_hybrid(2), feature_channels=4).double()
    other = copy.deepcopy(network)
    set_memory(other, "low")
    images = torch.rand(3, 1, 12, 10, dtype=torch.float64)
    for own in (network, other):
        own(images).square().mean().backward()
    gradients = [
        {name: own.grad for name, own in net.backbone.named_parameters()}
        for net in (network, other)
    ]
    assert gradients[0]["bottleneck.position"].abs().sum() > 0
    torch.testing.assert_close(*gradients)


def test_without_one_nothing_changes():
    assert not any("bottleneck" in name for name in UNetBackbone(2, 1, (4, 8)).state_dict())


def test_other_random_weights_are_other_positions():
    backbone = _hybrid(2)
    before = backbone.bottleneck.position.detach().clone()
    reinitialized(backbone)
    after = backbone.bottleneck.position.detach()
    assert not torch.equal(before, after)
    assert after.std() == pytest.approx(0.02, rel=0.2)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"grid needs 3 sizes, got \(4, 4\)"):
        TokenTransformer(3, 8, grid=(4, 4))
    with pytest.raises(ValueError, match="hidden_size should be divisible by num_heads"):
        TokenTransformer(2, 8, hidden_size=10, heads=4)
