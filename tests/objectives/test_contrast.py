"""Dense contrast: which points are matched, and who gets a gradient."""

from __future__ import annotations

import math

import pytest
import torch

from gemini_monai.networks import Gemini
from gemini_monai.objectives import ContrastObjective, Learner
from gemini_monai.objectives.contrast import matched_points


def _shift(size, by):
    """Field on a grid: the partner of each place lies ``by`` voxels on along the first axis."""
    ddf = torch.zeros(1, len(size), *size)
    ddf[:, 0] = by
    return ddf


@pytest.mark.parametrize("size", [(9, 6), (7, 5, 4)])
def test_partners_of_a_shift_are_the_voxels_that_it_names(size):
    grid = torch.stack(torch.meshgrid(*(torch.arange(n) for n in size), indexing="ij"))
    features = grid[None].float()
    partner, place = matched_points(features, features, _shift(size, 2), count=1000)
    inside = (size[0] - 2) * math.prod(size[1:])
    assert place.shape == (1, inside, len(size))
    assert len(place[0].unique(dim=0)) == inside
    expected = place.clone()
    expected[..., 0] += 2
    torch.testing.assert_close(partner, expected)


def test_as_many_points_as_asked_for_and_an_image_without_any_is_left_out():
    features = torch.rand(3, 4, 8, 8)
    ddf = torch.cat([_shift((8, 8), by) for by in (0, 20, 5)])
    first, second = matched_points(features, features, ddf, count=10)
    assert first.shape == second.shape == (2, 10, 4)
    first, _ = matched_points(features, features, ddf, count=10**6)
    assert first.shape == (2, 3 * 8, 4)
    first, _ = matched_points(features, features, _shift((8, 8), 20).repeat(3, 1, 1, 1), count=10)
    assert not len(first)


def _batch(by=0):
    view = torch.rand(2, 1, 16, 16)
    return {"view_a": view, "view_b": view, "ddf_ab": _shift((16, 16), by).repeat(2, 1, 1, 1)}


def test_the_backbone_and_the_projection_learn_and_nothing_else():
    network = Gemini(2, 1, 3, channels=(4, 8))
    learner = Learner(network, {"contrast": ContrastObjective(projection=8)})
    terms = learner(["contrast"], _batch())
    assert set(terms) == {"contrast"}
    terms["contrast"].backward()
    reached = {name.split(".")[1] for name, p in learner.named_parameters() if p.grad is not None}
    assert reached == {"backbone", "contrast"}
    assert all(p.grad is not None for p in network.backbone.parameters())


def test_a_few_steps_make_features_tell_places_apart():
    learner = Learner(Gemini(2, 1, 3, channels=(8, 16)), {"contrast": ContrastObjective(points=64)})
    optimizer, batch = torch.optim.Adam(learner.trainable(), 3e-3), _batch()
    values = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = learner(["contrast"], batch)["contrast"]
        loss.backward()
        optimizer.step()
        values.append(float(loss.detach()))
    assert values[0] > 2  # log 64 is 4.2
    assert min(values[-5:]) < 0.5 * values[0]


def test_views_that_share_nothing_cost_nothing():
    learner = Learner(Gemini(2, 1, 3, channels=(4, 8)), {"contrast": ContrastObjective()})
    term = learner(["contrast"], _batch(by=40))["contrast"]
    assert float(term.detach()) == 0
    term.backward()


def test_one_point_is_no_contrast():
    with pytest.raises(ValueError, match="points must be 2 or more, got 1"):
        ContrastObjective(points=1)
