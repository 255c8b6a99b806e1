"""UniMatch V2 against the authors' code, and what is hidden in its two views."""

from __future__ import annotations

import pytest
import torch

from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner
from gemini_monai.study.methods import UniMatchV2
from tests.study.methods.authors import Waves, images


def test_the_value_is_that_of_the_authors_code(monkeypatch):
    """``loss_u_s`` of their training with their complementary dropout, at the docstring's commit.

    With the next image of the batch in the place of the one that a flip brings; the first and the
    third image are whole, 68 % of the voxels are sure.
    """
    objective = UniMatchV2(weight=2.0, threshold=0.7)
    objective.teacher = Waves(phase=0.4)
    views = iter([lambda image: image**2, lambda image: image.sqrt()])
    monkeypatch.setattr(objective, "view", lambda image: next(views)(image))
    boxes = torch.zeros(2, 4, 1, 12, 12, dtype=torch.bool)
    boxes[0, ..., 1:6, 2:9] = True
    boxes[1, :2, :, 5:11, :7] = True
    places = iter(boxes)
    monkeypatch.setattr(objective, "box", lambda image: next(places))
    monkeypatch.setattr(torch, "randperm", lambda count: torch.tensor([2, 0, 1, 3]))
    rows = [[1, 0, 1, 1, 0, 0], [0, 0, 1, 0, 1, 1], [1, 1, 0, 0, 1, 0], [0, 1, 0, 1, 0, 1]]
    kept = torch.tensor(rows).float().reshape(4, 6, 1, 1)
    monkeypatch.setattr(torch.Tensor, "bernoulli_", lambda own, share: kept)
    found = objective(Waves(), {"unlabeled": images(4, 12, 12, step=0.17)})
    expected = pytest.approx(2 * 3.118932616871925, rel=1e-12)
    assert found["complementary_views"].item() == expected


@pytest.mark.parametrize("size", [(3, 2), (2, 3, 2)])
def test_what_one_view_hides_the_other_one_has_twice(size):
    torch.manual_seed(0)
    levels = [torch.rand(2 * 6, 40, *size) + 1 for _ in range(2)]
    found = UniMatchV2().hidden(levels)
    scales = [new / old for new, old in zip(found, levels, strict=True)]
    for scale in scales:
        assert torch.allclose(scale, scale.flatten(2)[..., :1].reshape(12, 40, *[1] * len(size)))
        first, second = scale.flatten(2)[..., 0].chunk(2)
        assert torch.allclose(first + second, torch.full_like(first, 2.0))
        whole = torch.isclose(first, torch.ones(())).all(dim=1)
        assert int(whole.sum()) == 3
        assert {0.0, 2.0} == set(first[~whole].round(decimals=4).flatten().tolist())
    whole = [scale.flatten(1).sub(1).abs().amax(dim=1) < 1e-4 for scale in scales]
    assert torch.equal(*whole)  # the same images at every level
    assert not torch.equal(*scales)


@pytest.mark.parametrize("size", [(9, 14), (9, 8, 6)])
def test_the_network_learns_from_the_average_alone(size):
    network = Gemini(len(size), 1, 3, channels=(4, 8))
    learner = Learner(network, {"v2": UniMatchV2(threshold=0.0)})
    learner(["v2"], {"unlabeled": torch.rand(2, 1, *size)})["complementary_views"].backward()
    used = [*network.backbone.parameters(), *network.head.parameters()]
    assert all(own.grad is not None for own in used)
    assert all(own.grad is None for own in learner.objectives["v2"].parameters())


def test_where_the_average_is_unsure_nothing_is_learned():
    objective = UniMatchV2()
    objective.bind(Waves(gain=0.01))
    found = objective(Waves(), {"unlabeled": images(2, 8, 8, step=0.17)})
    assert found["complementary_views"].item() == 0
