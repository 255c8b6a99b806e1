"""VoxelMorph with atlases and BRBS, against the papers' equations in loops."""

from __future__ import annotations

import pytest
import torch

from gemini_monai.geometry.warp import warp
from gemini_monai.inference import AtlasInferer
from gemini_monai.objectives import HomeomorphismObjective, Learner
from gemini_monai.study.methods import AtlasRegistration, SampledSegmentation, SegmentedRegistration
from tests.study.methods.oracles import dice_loss, one_hot, there_and_back


def test_atlases_are_paired_with_unlabeled_images(network, batch):
    found = AtlasRegistration(smoothness=0.5, visual=2.0)(network, batch)
    pairs = {"image_a": batch["image"], "image_b": batch["partner"][:2]}
    wanted = HomeomorphismObjective(smoothness=0.5, visual=2.0, semantic=0.0)(network, pairs)
    assert found.keys() == {"smoothness", "visual"}
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_a_segmenter_says_where_the_warped_label_should_lie(network, batch):
    found = SegmentedRegistration(anatomy=3.0, inverse=0.5)(network, batch)
    other = batch["partner"][:2]
    pair = network.correspond(batch["image"], other)
    dice = dice_loss(warp(one_hot(batch["label"]), pair.ddf_ab), network(other).softmax(1))
    assert float(found["anatomy"]) == pytest.approx(3 * dice, rel=1e-6)
    squares = there_and_back(pair.ddf_ba, pair.ddf_ab)
    assert float(found["inverse"]) == pytest.approx(0.5 * squares, rel=1e-6)


def test_the_segmenter_is_not_trained_by_the_registration(network, batch):
    found = SegmentedRegistration()(network, batch)
    found["anatomy"].backward()
    assert all(own.grad is None for own in network.head.parameters())
    assert any(own.grad is not None for own in network.deformer.parameters())


@pytest.mark.parametrize(("space", "style"), [(0.0, 0.0), (1.0, 0.25), (0.4, 1.0)])
def test_a_sample_lies_between_two_images(network, batch, monkeypatch, space, style):
    objective = SampledSegmentation(weight=2.0, mixup=0.0)
    shares = iter([space, style, 0.5])
    monkeypatch.setattr(
        objective, "drawn", lambda own: own.new_full((len(own), 1, 1, 1), next(shares))
    )
    found = objective(network, batch)["sampled"]
    image, other = batch["image"], batch["partner"][:2]
    pair = network.correspond(image, other)
    moved, back = warp(image, space * pair.ddf_ab), warp(other, (1 - space) * pair.ddf_ba)
    mixed = (1 - style) * moved + style * back
    if (space, style) == (0.0, 0.0):
        assert torch.allclose(mixed, image, atol=1e-9)
    wanted = warp(one_hot(batch["label"]), space * pair.ddf_ab)
    expected = 2 * dice_loss(network(mixed).softmax(1), wanted)
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_mixup_is_the_squared_difference_of_mixed_outputs(network, batch, monkeypatch):
    objective = SampledSegmentation(weight=4.0, mixup=0.25)
    image = batch["partner"][:2]
    share = torch.tensor([0.3, 0.9]).double().reshape(2, 1, 1, 1)
    monkeypatch.setattr(objective, "drawn", lambda own: share)
    found = objective(network, batch)["mixup"]
    total = 0.0
    for b, (own, partner) in enumerate(((0, 1), (1, 0))):
        s = float(share[b])
        mixed = network((1 - s) * image[own : own + 1] + s * image[partner : partner + 1])
        p, q = (network(image[k : k + 1]).softmax(1) for k in (own, partner))
        total += float((mixed.softmax(1) - ((1 - s) * p + s * q)).square().mean()) / 2
    assert float(found) == pytest.approx(4 * 0.25 * total, rel=1e-6)


def test_shares_are_of_a_beta_distribution_and_each_image_has_its_own():
    torch.manual_seed(0)
    shares = SampledSegmentation(spread=0.3).drawn(torch.rand(4000, 1, 1, 1)).flatten()
    assert len(shares.unique()) > 3900
    assert float(shares.mean()) == pytest.approx(0.5, abs=0.03)
    # the variance of Beta(a, a) is 1 / (4 (2 a + 1))
    assert float(shares.var()) == pytest.approx(1 / 6.4, abs=0.01)


def test_the_field_is_not_trained_by_the_segmentation(network, batch):
    learner = Learner(network, {"sampled": SampledSegmentation()})
    sum(learner(["sampled"], batch).values()).backward()
    assert all(own.grad is None for own in network.deformer.parameters())
    assert all(own.grad is not None for own in network.head.parameters())


def _still(network):
    """A network whose field is zero everywhere."""
    for own in network.deformer.parameters():
        torch.nn.init.zeros_(own)
    return network


def test_atlases_vote_and_what_they_do_not_reach_is_background(network):
    labels = torch.tensor([[0, 1, 2, 2], [0, 1, 1, 2], [0, 0, 1, 2]]).repeat_interleave(2, dim=1)
    atlases = [
        {"image": torch.rand(1, 8, 8).double(), "label": own.expand(1, 8, 8)} for own in labels
    ]
    votes = AtlasInferer(atlases, classes=3)(torch.rand(1, 1, 10, 6).double(), _still(network))
    assert votes.shape == (1, 3, 10, 6)
    assert torch.allclose(votes.sum(dim=1), torch.ones(1, 10, 6).double())
    # ten rows about eight: one at each end is no atlas's; six columns of eight: the first is cut
    assert votes[0, 0, [0, -1]].eq(1).all()
    shares = torch.stack([(labels == c).float().mean(dim=0) for c in range(3)])[:, 1:7]
    assert torch.allclose(votes[0, :, 1:9], shares[:, None].expand(3, 8, 6).double(), atol=1e-6)


def test_an_atlas_is_moved_onto_the_image(network, monkeypatch):
    label = torch.zeros(1, 8, 8)
    label[:, 2:5, 3] = 1
    field = torch.zeros(1, 2, 8, 8)
    field[:, 1] = 2.0
    monkeypatch.setattr(network.deformer, "forward", lambda moving, fixed: field)
    atlas = {"image": torch.rand(1, 8, 8), "label": label}
    votes = AtlasInferer([atlas], classes=2)(torch.rand(1, 1, 8, 8), network.float())
    assert torch.equal(votes.argmax(dim=1)[0], label[0].roll(-2, dims=1).long())


def test_no_atlas_and_overlapping_structures_are_refused():
    with pytest.raises(ValueError, match="expected one labeled image or more"):
        AtlasInferer([], classes=2)
    atlas = {"image": torch.rand(1, 4, 4), "label": torch.zeros(2, 4, 4)}
    with pytest.raises(ValueError, match="structures that overlap"):
        AtlasInferer([atlas], classes=2)
