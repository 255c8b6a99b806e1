"""VoxelMorph with atlases: pairs, votes and what is refused."""

from __future__ import annotations

import pytest
import torch

from gemini_monai.inference import AtlasInferer
from gemini_monai.objectives import HomeomorphismObjective
from gemini_monai.study.methods import AtlasRegistration


def test_atlases_are_paired_with_unlabeled_images(network, batch):
    found = AtlasRegistration(smoothness=0.5, visual=2.0)(network, batch)
    pairs = {"image_a": batch["image"], "image_b": batch["partner"][:2]}
    wanted = HomeomorphismObjective(smoothness=0.5, visual=2.0, semantic=0.0)(network, pairs)
    assert found.keys() == {"smoothness", "visual"}
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


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
