"""UniMatch and CrossMatch against their authors' code, and what their views look like."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner
from gemini_monai.study.methods import CrossMatch, UniMatch, feature_dropout, unimatch
from gemini_monai.study.methods.boxes import cut_mix_box, cut_mixed
from gemini_monai.study.methods.color_jitter import color_jittered
from tests.study.methods.authors import Waves, images


@pytest.fixture
def written(monkeypatch):
    """Two views, two boxes and hidden channels that can be written down."""
    views = iter([lambda image: image**2, lambda image: image.sqrt()])
    boxes = torch.zeros(2, 3, 1, 12, 12, dtype=torch.bool)
    boxes[0, ..., 1:6, 2:9] = True
    boxes[1, :2, :, 5:11, :7] = True
    places = iter(boxes)
    monkeypatch.setattr(UniMatch, "view", lambda self, image: next(views)(image))
    monkeypatch.setattr(UniMatch, "box", lambda self, image: next(places))
    half = torch.tensor([2.0, 0.0] * 3).double().reshape(1, 6, 1, 1)
    monkeypatch.setattr(unimatch, "channel_dropout", lambda features, rate: features * half)


def test_the_value_is_that_of_the_authors_code(written):
    """Their ``loss_u_s1``, ``loss_u_s2`` and ``loss_u_w_fp``, at the docstring's commit.

    28 % of the voxels are sure.
    """
    found = UniMatch(weight=2.0)(Waves(), {"unlabeled": images(3, 12, 12, step=0.17)})
    assert found["strong_views"].item() == pytest.approx(2 * 0.43860194450610746, rel=1e-12)
    assert found["hidden_features"].item() == pytest.approx(2 * 0.26734571542451324, rel=1e-12)


def test_crossmatch_has_the_value_of_the_authors_code(written, monkeypatch):
    """Their ``loss_u_s1``, ``loss_u_s2`` and ``loss_u_w_kd``, at the docstring's commit."""
    few, many = torch.tensor([[2.0, 1.0, 1.0, 0.0, 1.0, 2.0], [0.0, 4.0, 0.0, 0.0, 0.0, 2.0]])
    hidden = {0.25: few.double(), 0.75: many.double()}
    monkeypatch.setattr(
        unimatch,
        "channel_dropout",
        lambda features, rate: features * hidden[rate].reshape(1, 6, 1, 1),
    )
    objective = CrossMatch(weight=2.0, threshold=0.7)
    found = objective(Waves(), {"unlabeled": images(3, 12, 12, step=0.17)})
    assert found["strong_views"].item() == pytest.approx(2 * 0.35614482371386724, rel=1e-12)
    assert found["hidden_features"].item() == pytest.approx(2 * 0.28634228015217167, rel=1e-12)


@pytest.mark.parametrize("kind", [UniMatch, CrossMatch])
def test_where_nothing_is_sure_nothing_is_learned(kind):
    network, batch = Waves(gain=0.01), {"unlabeled": images(2, 8, 8, step=0.17)}
    found = kind()(network, batch)
    sum(found.values()).backward()
    assert all(term.item() == 0 for term in found.values())
    assert not network.gain.grad.any()


@pytest.mark.parametrize("size", [(8, 8), (8, 8, 8)])
@pytest.mark.parametrize(("kind", "rates"), [(UniMatch, [0.5]), (CrossMatch, [0.25, 0.75])])
def test_every_level_is_hidden_and_the_whole_network_learns(monkeypatch, size, kind, rates):
    widths = []

    def seen(features, rate):
        widths.append((features.shape[1], rate))
        return feature_dropout.channel_dropout(features, rate)

    monkeypatch.setattr(unimatch, "channel_dropout", seen)
    network = Gemini(len(size), 1, 3, channels=(4, 8, 16))
    learner = Learner(network, {"own": kind(threshold=0.0)})
    terms = learner(["own"], {"unlabeled": torch.rand(2, 1, *size)})
    assert widths == [(width, rate) for rate in rates for width in (4, 8, 16)]
    sum(terms.values()).backward()
    used = [*network.backbone.parameters(), *network.head.parameters()]
    assert all(own.grad is not None and own.grad.any() for own in used)


@pytest.mark.parametrize("size", [(20, 30), (16, 10, 12)])
def test_a_box_has_its_share_or_is_none(size):
    torch.manual_seed(0)
    inside = cut_mix_box(torch.rand(400, 2, *size))
    assert inside.shape == (400, 1, *size)
    shares = inside.flatten(1).double().mean(dim=1)
    assert 140 < int((shares == 0).sum()) < 260
    rounding = math.prod((side + 1) / side for side in size)
    assert 0.45 * rounding > float(shares.max()) > 0.3
    lengths = [inside.flatten(1).any(dim=1)]
    for axis in range(len(size)):
        others = [2 + k for k in range(len(size)) if k != axis]
        lengths.append(inside.any(dim=others).sum(dim=-1)[:, 0])
    some, *sides = lengths
    volume = torch.stack(sides).prod(dim=0)
    assert torch.equal(volume, inside.flatten(1).sum(dim=1))  # it is a box
    assert len({tuple(own) for own in torch.stack(sides, dim=1)[some].tolist()}) > 50


def test_a_box_shows_the_next_image():
    values = torch.arange(3.0).reshape(3, 1, 1, 1).expand(3, 1, 2, 2)
    inside = torch.tensor([[True, False], [False, False]]).expand(3, 1, 2, 2)
    assert cut_mixed(values, inside)[:, 0, 0].tolist() == [[1, 0], [2, 1], [0, 2]]


@given(st.floats(0, 1), st.integers(2, 3))
def test_a_view_stays_in_the_range_of_its_image(strength, dims):
    image = 2 * torch.rand(2, 1, *[6] * dims) - 1
    view = color_jittered(image, strength=strength, chance=1.0, blurred=1.0)
    for own, changed in zip(image, view, strict=True):
        assert own.min() - 1e-5 <= changed.min()
        assert changed.max() <= own.max() + 1e-5


def test_brightness_and_contrast_are_one_slope_for_each_image():
    torch.manual_seed(0)
    image = 0.4 + 0.2 * torch.rand(40, 1, 8, 8).double()
    image[..., 0, 0], image[..., 0, 1] = 0.0, 1.0  # so that nothing else is cut
    view = color_jittered(image, strength=0.5, chance=1.0, blurred=0.0)
    slopes = [
        own.flatten(1)[:, 2:].diff(dim=1) for own in (view.flatten(1, 2), image.flatten(1, 2))
    ]
    slopes = slopes[0] / slopes[1]
    assert torch.allclose(slopes, slopes[:, :1].expand_as(slopes), rtol=1e-6)
    assert len(slopes[:, 0].unique()) == 40
    assert slopes.min() > 0.25
    assert slopes.max() < 2.25
    assert torch.equal(color_jittered(image, chance=0.0, blurred=0.0), image)


def test_a_blur_takes_differences_away():
    image = torch.rand(8, 1, 16, 16)
    view = color_jittered(image, chance=0.0, blurred=1.0)
    assert view.diff(dim=-1).abs().mean() < 0.8 * image.diff(dim=-1).abs().mean()
    flat = torch.full((2, 1, 5, 6, 7), 0.3)
    assert torch.allclose(color_jittered(flat, chance=0.0, blurred=1.0), flat)
