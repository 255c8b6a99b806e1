"""The probe on features whose scores are known, and its parts against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import RandAffined
from torch import nn

from gemini_monai.base.errors import InputError
from gemini_monai.inference.levels import Levels, features_at, levels_of
from gemini_monai.inference.linear import LinearClassifier
from gemini_monai.inference.probe import Probe
from gemini_monai.metrics import effective_rank
from gemini_monai.networks import Gemini
from gemini_monai.transforms import InputSpec

SPEC = InputSpec(
    spatial_dims=2,
    in_channels=1,
    spatial_size=(24, 20),
    intensity={"kind": "range", "lower": 0, "upper": 1},
    label_values=(0, 1, 2),
    structures=("box", "rim"),
)
ROTATE = RandAffined(
    ["image", "label"], prob=1.0, rotate_range=0.3, padding_mode="zeros", allow_missing_keys=True
)


def _item(shift, *, shape=(24, 20)):
    label = torch.zeros(1, *shape)
    label[:, 4 + shift : 14 + shift, 5:12] = 1
    label[:, 15:19, 8 + shift : 12 + shift] = 2
    return {"image": MetaTensor(label / 2 + 0.1), "label": MetaTensor(label)}


class _Known(nn.Module):
    """Dense features that a function of the image gives."""

    def __init__(self, function, channels):
        super().__init__()
        self.function, self.channels = function, channels

    def forward(self, image):
        return self.function(image)


def _network(function, channels):
    return Gemini(2, 1, 3, backbone=_Known(function, channels), feature_channels=channels)


def _by_intensity(image):
    """A direction of its own for each intensity of ``_item``."""
    return torch.cat([torch.exp(-((image - v) ** 2) / 1e-3) for v in (0.1, 0.6, 1.1)], dim=1)


def _probe(spec=SPEC, items=None, **options):
    items = items or [_item(k) for k in range(4)]
    return Probe(items[:2], items[2:], spec=spec, transform=ROTATE, **options)


def test_features_that_tell_structures_apart_score_one():
    found = _probe().look(_network(_by_intensity, 3), "cpu")
    for name in ("linear_1", "nearest"):
        assert found[name] == pytest.approx(1)
    assert found["true_positive_percent"] == pytest.approx(100)
    assert found["cosine_corresponding"] > 0.9 > found["cosine_random"]
    assert found["effective_rank"] == pytest.approx(2, abs=0.3)


def test_features_that_are_all_alike_score_nothing():
    found = _probe().look(
        _network(lambda image: torch.ones_like(image).expand(-1, 3, -1, -1), 3), "cpu"
    )
    assert found["linear_1"] == 0
    assert found["effective_rank"] == 0
    assert found["cosine_corresponding"] == found["cosine_random"] == pytest.approx(1)


def test_features_of_position_transfer_a_label_to_its_own_place():
    """Two images alike in labels: partners are the same voxels, whatever the intensities."""

    def position(image):
        axes = torch.meshgrid(*(torch.linspace(-1, 1, n) for n in image.shape[2:]), indexing="ij")
        grid = torch.stack([*axes, torch.ones_like(axes[0])])
        return grid.expand(len(image), -1, -1, -1)

    found = _probe(items=[_item(0)] * 4, points=480).look(_network(position, 3), "cpu")
    assert found["nearest"] == pytest.approx(1)
    shifted = _probe(items=[_item(0), _item(0), _item(4), _item(4)], points=480)
    moved = shifted.look(_network(position, 3), "cpu")
    inside = (_item(0)["label"] == _item(4)["label"])[_item(4)["label"] > 0].double().mean()
    assert moved["true_positive_percent"] == pytest.approx(100 * float(inside))


def test_every_level_of_our_own_backbone_is_scored_and_nothing_is_disturbed():
    network = Gemini(2, 1, 3, channels=(4, 8, 8)).train()
    state = torch.random.get_rng_state()
    first, second = (_probe(points=64).look(network, "cpu") for _ in "ab")
    assert first == second
    assert {f"linear_{k}" for k in (1, 2, 3)} < set(first)
    assert all(math.isfinite(value) for value in first.values())
    assert network.training
    assert torch.equal(torch.random.get_rng_state(), state)


def test_overlapping_structures_and_slices_of_volumes():
    volumes = []
    for k in range(4):
        item = _item(k)
        masks = torch.cat([item["label"] > 0, item["label"] == 2]).float()
        empty = torch.zeros(2, 24, 20, 3)
        empty[..., 1] = masks
        image = torch.zeros(1, 24, 20, 3)
        image[..., 1] = item["image"]
        volumes.append({"image": image, "label": empty})
    spec = InputSpec(
        spatial_dims=3,
        in_channels=1,
        spatial_size=(24, 20, 3),
        intensity=SPEC.intensity,
        overlapping=True,
        structures=("any", "rim"),
        slices=True,
    )
    found = _probe(spec, volumes).look(_network(_by_intensity, 3), "cpu")
    assert found["linear_1"] == found["nearest"] == pytest.approx(1)


def test_images_without_labels_cannot_be_probed():
    probe = Probe([], [_item(0)], spec=SPEC, transform=ROTATE)
    with pytest.raises(InputError, match="needs labeled and validation images, got 0 and 1"):
        probe.look(_network(_by_intensity, 3), "cpu")


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_levels_at_voxels_are_those_of_the_network(spatial_dims):
    shape = (11, 9, 7)[:spatial_dims]
    network = Gemini(spatial_dims, 1, 3, channels=(4, 8, 8)).eval()
    image = torch.rand(1, 1, *shape)
    places = torch.stack([torch.randint(0, n, (50,)) for n in shape], dim=1)
    levels = levels_of(network, image)
    dense = network.features(image)
    found = levels.at(places)
    torch.testing.assert_close(found[0], dense[0][(slice(None), *places.T)].T)
    for level, points in zip(levels.maps, found, strict=True):
        whole = levels.whole(level)
        torch.testing.assert_close(points, whole[0][(slice(None), *places.T)].T)


def test_a_linear_classifier_may_come_before_the_interpolation():
    points, level = torch.randn(200, 5), torch.randn(1, 5, 4, 3)
    truth = torch.stack([points[:, 0] > 0.5, points[:, 0] < -0.5], dim=1)
    own = LinearClassifier(points, truth, overlapping=False)
    levels = Levels([level], (8, 6), [0, 0, 0, 0])
    torch.testing.assert_close(
        levels.whole(own.logits(level)), own.logits(levels.whole(level)), atol=1e-4, rtol=1e-4
    )
    found = own.masks(own.logits(points.T[None, :, :, None]))[0, :, :, 0].T
    assert (found == truth).double().mean() > 0.97


def test_features_at_voxels_of_their_own_grid_are_themselves():
    level = torch.randn(1, 3, 6, 5, 4)
    places = torch.cartesian_prod(*(torch.arange(n) for n in (6, 5, 4)))
    torch.testing.assert_close(
        features_at(level, places, shape=(6, 5, 4)), level[0].flatten(1).T, atol=1e-5, rtol=1e-5
    )


def test_rank_counts_directions_that_are_used_alike():
    eye = torch.cat([torch.eye(4), -torch.eye(4)])
    assert effective_rank(eye) == pytest.approx(4)
    assert effective_rank(eye[:, :1] * torch.ones(1, 4)) == pytest.approx(1)
    assert effective_rank(torch.ones(8, 4)) == 0
    assert math.isnan(effective_rank(torch.full((3, 2), math.nan)))
    values = np.array([3.0, 1.0]) / 4
    stretched = eye[[0, 1, 4, 5]] * torch.tensor([3.0, 1.0, 1.0, 1.0])
    assert effective_rank(stretched) == pytest.approx(np.exp(-(values * np.log(values)).sum()))


def test_dense_levels_are_the_features():
    backbone = Gemini(2, 1, 3, channels=(4, 8)).backbone
    image = torch.rand(2, 1, 8, 8)
    levels = backbone.levels(image)
    assert torch.equal(levels[0], backbone(image))
    assert [tuple(level.shape[1:]) for level in levels] == [(4, 8, 8), (8, 4, 4)]
