"""Backbone, deformer and Gemini: sizes, parameters, symmetry, scripting, every parameter used."""

from __future__ import annotations

import pytest
import torch
from monai.networks.nets import BasicUNet

from gemini_monai.networks import Deformer, Gemini, UNetBackbone, placed
from gemini_monai.objectives import HomeomorphismObjective, SegmentationObjective

SMALL = (4, 8, 16)


def _network(spatial_dims, **options):
    torch.manual_seed(0)
    return Gemini(spatial_dims, 1, 3, channels=SMALL, **options)


def _images(spatial_dims, *, batch=2, size=(11, 10, 9), seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, 1, *size[:spatial_dims], generator=generator)


@pytest.mark.parametrize(
    ("spatial_dims", "backbone", "deformer"), [(2, 7_851_936, 176_450), (3, 23_538_144, 528_675)]
)
def test_default_networks_have_the_papers_parameters(spatial_dims, backbone, deformer):
    network = Gemini(spatial_dims, 1, 8)
    counts = [
        sum(p.numel() for p in part.parameters()) for part in (network.backbone, network.deformer)
    ]
    assert counts == [backbone, deformer]
    assert {name.split(".")[0] for name in network.state_dict()} == {"backbone", "deformer", "head"}


@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize("half", [False, True])
def test_any_image_size_keeps_its_size(spatial_dims, half):
    network, image = _network(spatial_dims, half_resolution_field=half), _images(spatial_dims)
    pair = network.correspond(image, image.flip(0))
    assert network(image).shape == (2, 3, *image.shape[2:])
    assert pair.features_a.shape == (2, SMALL[0], *image.shape[2:])
    assert pair.ddf_ab.shape == pair.ddf_ba.shape == (2, spatial_dims, *image.shape[2:])


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_swapping_the_images_swaps_the_fields(spatial_dims):
    network = _network(spatial_dims)
    a, b = _images(spatial_dims), _images(spatial_dims, seed=1)
    pair, swapped = network.correspond(a, b), network.correspond(b, a)
    torch.testing.assert_close(pair.ddf_ab, swapped.ddf_ba)
    torch.testing.assert_close(pair.features_a, swapped.features_b)


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_a_ring_is_each_image_with_the_next(spatial_dims):
    network, images = _network(spatial_dims), _images(spatial_dims, batch=3)
    ring, pairs = network.correspond(images), network.correspond(images, images.roll(-1, 0))
    for one, other in zip(ring, pairs, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_items_of_a_batch_do_not_mix(spatial_dims):
    network = _network(spatial_dims).double()
    a, b = _images(spatial_dims).double(), _images(spatial_dims, seed=1).double()
    together, alone = network.correspond(a, b), network.correspond(a[:1], b[:1])
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one[:1], other)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_logits_script_with_torchscript(spatial_dims):
    network, image = _network(spatial_dims).eval(), _images(spatial_dims)
    torch.testing.assert_close(torch.jit.script(network)(image), network(image))


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_every_parameter_gets_a_gradient(spatial_dims):
    network, images = _network(spatial_dims, half_resolution_field=True), _images(spatial_dims)
    batch = {"image_a": images, "image_b": images.flip(0), "image": images}
    batch["label"] = torch.randint(0, 3, images.shape)
    for objective in (HomeomorphismObjective(), SegmentationObjective()):
        sum(objective(network, batch).values()).backward()
    without = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not without


@pytest.mark.parametrize(("stages", "field"), [(1, 5), (2, 12), (3, 26)])
def test_the_deformer_sees_as_far_as_the_paper_says(stages, field):
    """Figure 16a: how far a change of one pixel reaches, on a network with positive weights."""
    deformer = Deformer(2, 1, stages=stages).double()
    for module in deformer.modules():
        if isinstance(module, torch.nn.GroupNorm):  # statistics would see the whole image
            module.forward = lambda x: x
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.constant_(module.weight, 1e-3)
    size = 8 * 2 ** (stages + 1)
    image = torch.ones(1, 1, 1, size, dtype=torch.float64).expand(1, 1, size, size).clone()
    image.requires_grad_()
    widths = []
    for place in range(size // 2, size // 2 + 2 ** (stages - 1)):
        ddf = deformer(image, image)
        (gradient,) = torch.autograd.grad(ddf[0, 0, size // 2, place], image)
        widths.append(int((gradient[0, 0].abs().sum(0) > 0).sum()))
    assert field <= max(widths) <= field + 2**stages  # linear upsampling reaches a little further


def test_a_half_resolution_field_of_a_constant_prediction_is_twice_as_long():
    deformer = Deformer(2, 4, half_resolution=True)
    torch.nn.init.zeros_(deformer.field.weight)
    torch.nn.init.constant_(deformer.field.bias, 1.5)
    ddf = deformer(*torch.rand(2, 1, 4, 13, 10))
    torch.testing.assert_close(ddf, torch.full_like(ddf, 3.0))


def test_a_monai_network_is_a_backbone():
    theirs = BasicUNet(spatial_dims=2, in_channels=1, out_channels=6, features=(4, 4, 8, 8, 8, 4))
    network = Gemini(2, 1, 3, backbone=theirs, feature_channels=6, backbone_multiple=32)
    image = _images(2, size=(40, 33))
    assert network(image).shape == (2, 3, 40, 33)
    assert network.correspond(image, image).ddf_ab.shape == (2, 2, 40, 33)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="spatial_dims must be 2 or 3, got 4"):
        UNetBackbone(4)
    with pytest.raises(ValueError, match=r"two levels or more, got \(8,\)"):
        UNetBackbone(2, channels=(8,))
    with pytest.raises(ValueError, match="stages must be 1 or more, got 0"):
        Deformer(2, stages=0)
    with pytest.raises(ValueError, match="needs feature_channels"):
        Gemini(2, 1, 3, backbone=torch.nn.Identity())
    with pytest.raises(ValueError, match="two images or more in the batch, got 1"):
        _network(2).correspond(_images(2, batch=1))
    with pytest.raises(ValueError, match=r"one shape, got \(2, 1, 11, 10\) and \(2, 1, 11, 9\)"):
        _network(2).correspond(_images(2), _images(2)[..., :9])


def test_a_backbone_of_another_resolution_is_named():
    halves = torch.nn.Conv2d(1, 4, 2, stride=2)
    network = Gemini(2, 1, 3, backbone=halves, feature_channels=4)
    with pytest.raises(ValueError, match=r"image's resolution, got \[8, 8\] for \[16, 16\]"):
        network(torch.rand(1, 1, 16, 16))


def test_a_field_keeps_its_precision_whatever_autocast_makes_of_the_rest():
    deformer = Deformer(2, 4)
    torch.nn.init.normal_(deformer.field.weight)
    features = torch.rand(2, 1, 4, 16, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ddf = deformer(*features)
    assert ddf.dtype == torch.float32
    assert not torch.equal(ddf, ddf.bfloat16().float())


@pytest.mark.parametrize(("dims", "device", "last"), [(3, "cpu", True), (3, "meta", False)])
def test_channels_are_last_where_a_cpu_convolves_volumes(dims, device, last):
    network = placed(Gemini(dims, 1, 2, channels=(8, 16)), device)
    weight = network.backbone.encoder[1][1].conv.weight
    assert weight.is_contiguous(memory_format=torch.channels_last_3d) is last
    assert weight.is_contiguous() is not last
