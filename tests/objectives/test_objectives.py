"""Objectives: weights, directions, schedules, gradients, oracles in MONAI."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from monai.losses import DiceCELoss

from gemini_monai.geometry.warp import inbounds_mask, warp
from gemini_monai.losses import SemanticSimilarityLoss, SmoothnessLoss, VisualSimilarityLoss
from gemini_monai.networks import Gemini
from gemini_monai.objectives import HomeomorphismObjective, SegmentationObjective


def _setup(spatial_dims=2, *, out_channels=3):
    torch.manual_seed(0)
    network = Gemini(spatial_dims, 1, out_channels, channels=(4, 8)).double()
    a, b = torch.rand(2, 2, 1, *[10] * spatial_dims, dtype=torch.float64)
    return network, {"image_a": a, "image_b": b, "image": a}


@pytest.mark.parametrize(("spatial_dims", "order"), [(2, 1), (3, 1), (2, 2)])
def test_terms_are_equation_4_summed_over_both_directions(spatial_dims, order):
    network, batch = _setup(spatial_dims)
    terms = HomeomorphismObjective(smoothness_order=order)(network, batch)
    pair = network.correspond(batch["image_a"], batch["image_b"])
    expected = dict.fromkeys(terms, torch.zeros((), dtype=torch.float64))
    for moving, fixed, source, target, ddf in (
        (batch["image_a"], batch["image_b"], pair.features_a, pair.features_b, pair.ddf_ab),
        (batch["image_b"], batch["image_a"], pair.features_b, pair.features_a, pair.ddf_ba),
    ):
        mask = inbounds_mask(ddf)
        expected["smoothness"] = expected["smoothness"] + 0.4 * SmoothnessLoss(order)(ddf)
        visual = VisualSimilarityLoss()(warp(moving, ddf), fixed, mask)
        expected["visual"] = expected["visual"] + visual
        semantic = SemanticSimilarityLoss()(source, target, ddf, mask, positive=0.1)
        expected["semantic"] = expected["semantic"] + 0.8 * semantic
    for name, term in terms.items():
        torch.testing.assert_close(term, expected[name])


def test_one_direction_only_when_not_bijective():
    network, batch = _setup()
    one = HomeomorphismObjective(bijective=False)
    swapped = {"image_a": batch["image_b"], "image_b": batch["image_a"]}
    both = HomeomorphismObjective()(network, batch)
    for name, forward in one(network, batch).items():
        torch.testing.assert_close(forward + one(network, swapped)[name], both[name])


def test_weights_scale_their_terms_and_a_zero_semantic_weight_leaves_it_out():
    network, batch = _setup()
    plain = HomeomorphismObjective(smoothness=1, visual=1, semantic=1)(network, batch)
    scaled = HomeomorphismObjective(smoothness=2, visual=3, semantic=0)(network, batch)
    torch.testing.assert_close(scaled["smoothness"], 2 * plain["smoothness"])
    torch.testing.assert_close(scaled["visual"], 3 * plain["visual"])
    assert set(scaled) == {"smoothness", "visual"}


@pytest.mark.parametrize(
    ("start", "progress", "factor"),
    [(0.0, 0.0, 1.1), (0.5, 0.4, 1.0), (0.5, 0.5, 1.1), (1.0, 1.0, 1.0), (0.5, 1.0, 1.1)],
)
def test_the_positive_path_starts_when_it_should(start, progress, factor):
    network, batch = _setup()
    never = HomeomorphismObjective(positive=0)(network, batch)["semantic"]
    objective = HomeomorphismObjective(positive_start=start)
    term = objective(network, batch, progress=progress)["semantic"]
    torch.testing.assert_close(term, factor * never)


def test_an_image_with_itself_still_has_finite_terms_and_gradients():
    network, batch = _setup()
    batch["image_b"] = batch["image_a"]
    sum(HomeomorphismObjective()(network, batch).values()).backward()
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)


def test_exclusive_classes_are_monais_dice_and_cross_entropy_over_classes():
    network, batch = _setup()
    label = torch.randint(0, 3, (2, 1, 10, 10))
    terms = SegmentationObjective(weight=1)(network, {**batch, "label": label})
    theirs = DiceCELoss(
        to_onehot_y=True,
        softmax=True,
        squared_pred=True,
        smooth_nr=1,
        smooth_dr=1,
        lambda_ce=1 / 3,
    )
    expected = theirs(network(batch["image"]), label)
    torch.testing.assert_close(sum(terms.values()), expected, rtol=1e-4, atol=0)


def test_overlapping_structures_are_scored_channel_by_channel():
    network, batch = _setup()
    label = torch.randint(0, 2, (2, 3, 10, 10)).double()
    terms = SegmentationObjective(weight=2, overlapping=True)(network, {**batch, "label": label})
    logits = network(batch["image"])
    expected = 2 * F.binary_cross_entropy_with_logits(logits, label)
    torch.testing.assert_close(terms["cross_entropy"], expected, rtol=1e-4, atol=0)
    probability = logits.sigmoid()
    overlap = (2 * (probability * label).sum((2, 3)) + 1) / (
        (probability**2 + label**2).sum((2, 3)) + 1
    )
    torch.testing.assert_close(terms["dice"], 2 * (1 - overlap.mean()), rtol=1e-6, atol=0)


def test_a_perfect_prediction_costs_almost_nothing_and_the_worst_is_bounded():
    label = torch.randint(0, 3, (1, 1, 10, 10))
    onehot = F.one_hot(label[:, 0], 3).movedim(-1, 1).double()
    batch = {"image": torch.zeros(1, 1, 10, 10), "label": label}
    right = SegmentationObjective(weight=1)(lambda _: 100 * onehot, batch)
    wrong = SegmentationObjective(weight=1)(lambda _: -100 * onehot, batch)
    assert right["cross_entropy"] < 1e-5
    assert right["dice"] < 1e-6
    bound = -torch.log(torch.tensor(1e-6, dtype=torch.float64)) / 3
    torch.testing.assert_close(wrong["cross_entropy"], bound)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="weight 'visual' must be 0 or more, got -1"):
        HomeomorphismObjective(visual=-1)
    with pytest.raises(ValueError, match="positive_start must be from 0 to 1, got 2"):
        HomeomorphismObjective(positive_start=2)
    network, batch = _setup()
    with pytest.raises(ValueError, match=r"label must have 1 channel\(s\), got 3"):
        SegmentationObjective()(network, {**batch, "label": torch.zeros(2, 3, 10, 10)})


def test_pairs_train_every_so_many_iterations_and_go_on_where_they_stopped():
    network, batch = _setup()
    objective = HomeomorphismObjective(interval=3)
    trained = [bool(objective(network, batch)) for _ in range(7)]
    assert trained == [False, False, True, False, False, True, False]
    resumed = HomeomorphismObjective(interval=3)
    resumed.load_state_dict(objective.state_dict())
    assert [bool(resumed(network, batch)) for _ in range(2)] == [False, True]
    assert not HomeomorphismObjective().state_dict()
    with pytest.raises(ValueError, match="interval must be 1 or more, got 0"):
        HomeomorphismObjective(interval=0)
