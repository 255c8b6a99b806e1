"""FixMatch and DeepAtlas, against the papers' equations in loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from gemini_monai.geometry.warp import warp
from gemini_monai.networks import Gemini
from gemini_monai.study.methods import AnatomySimilarity, FixMatch


class Linear(nn.Module):
    """Logits that are multiples of the image, so that bright voxels are sure."""

    def __init__(self):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor([-8.0, 8.0, 0.0]).double())

    def forward(self, image):
        return (image - 0.5) * self.slope.reshape(1, 3, *[1] * (image.dim() - 2))


def test_fixmatch_learns_at_sure_voxels_alone(monkeypatch):
    objective = FixMatch(weight=2.0, threshold=0.9)
    image = torch.rand(2, 1, 6, 5).double()
    strong = image**2
    monkeypatch.setattr(objective, "changed", lambda own: strong)
    network = Linear()
    found = objective(network, {"unlabeled": image})["weak_to_strong"]
    weak, other = network(image), network(strong)
    total, sure = 0.0, 0
    for b in range(2):
        for x in range(6):
            for y in range(5):
                p = weak[b, :, x, y].softmax(0)
                if float(p.max()) >= 0.9:
                    total -= float(other[b, :, x, y].log_softmax(0)[int(p.argmax())])
                    sure += 1
    assert 0 < sure < 60
    assert float(found) == pytest.approx(2 * total / 60, rel=1e-9)


@pytest.mark.parametrize("size", [(20, 16), (10, 8, 6)])
def test_the_strong_change_is_of_intensity_and_another_for_each_image(size):
    image = 0.2 + 0.6 * torch.rand(2, 1, *size)
    before = image.clone()
    changed = FixMatch(strength=0.5).changed(image)
    assert torch.equal(image, before)
    hidden = changed == 127 / 255
    for own in hidden:
        assert int(own.sum()) == math.prod(side // 2 for side in size)
    assert not torch.equal(hidden[0], hidden[1])
    still = FixMatch(strength=0.0).changed(image)
    assert int(((still - image).abs() > 1e-5).sum()) == 2  # a box of one voxel


def test_anatomy_is_the_overlap_of_warped_maps_both_ways():
    network = Gemini(2, 1, 3, channels=(4, 8)).double()
    objective = AnatomySimilarity(weight=2.0)
    image, label = torch.rand(2, 1, 8, 8).double(), torch.randint(3, (2, 1, 8, 8))
    found = objective(network, {"image_a": image, "image": image, "label": label})
    pair = network.correspond(image)
    probability = network(image).softmax(1)
    hot = torch.stack([(label[:, 0] == c).double() for c in range(3)], dim=1)
    for name, maps in (("anatomy", probability), ("labeled_anatomy", hot)):
        losses = []
        for ddf, moving, fixed in (
            (pair.ddf_ab, maps, maps.roll(-1, 0)),
            (pair.ddf_ba, maps.roll(-1, 0), maps),
        ):
            moved = warp(moving, ddf)
            for b in range(2):
                for c in range(3):
                    overlap = 2 * float((moved[b, c] * fixed[b, c]).sum()) + 1
                    size = float((moved[b, c] ** 2).sum() + (fixed[b, c] ** 2).sum()) + 1
                    losses.append(1 - overlap / size)
        expected = 2 * sum(losses) / len(losses)
        assert float(found[name]) == pytest.approx(expected, rel=1e-6), name


def test_anatomy_reads_what_it_uses_and_one_labeled_image_is_no_pair():
    assert AnatomySimilarity(labeled=False).reads == ("image_a",)
    assert AnatomySimilarity(predicted=False).reads == ("image", "label")
    network = Gemini(2, 1, 3, channels=(4, 8))
    batch = {"image": torch.rand(1, 1, 8, 8), "label": torch.zeros(1, 1, 8, 8)}
    assert AnatomySimilarity(predicted=False)(network, batch) == {}
    with pytest.raises(ValueError, match="one of them must be true"):
        AnatomySimilarity(predicted=False, labeled=False)
