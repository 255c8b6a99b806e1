"""What is hidden, and that only it counts."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gemini_monai.study.methods import MaskedRestoration


class Constant(nn.Module):
    """Answers a half, and remembers what it saw."""

    def forward(self, image):
        self.seen = image
        return torch.full_like(image, 0.5)


@pytest.mark.parametrize("size", [(8, 12), (8, 4, 6)])
def test_only_hidden_voxels_count_and_they_are_seen_as_zeros(size):
    network = Constant()
    image = 0.1 + 0.9 * torch.rand(3, 2, *size).double()
    objective = MaskedRestoration(weight=2.0, hidden=0.75, patches=4)
    found = objective(network, {"unlabeled": image})["masked_restoration"]
    hidden = network.seen == 0
    assert torch.equal(network.seen[~hidden], image[~hidden])
    errors = [(0.5 - float(value)) ** 2 for value in image[hidden]]
    assert float(found) == pytest.approx(2 * sum(errors) / len(errors), rel=1e-9)


@pytest.mark.parametrize(("hidden", "patches"), [(0.25, 4), (0.75, 8)])
def test_a_share_of_whole_patches_is_hidden_anew_in_each_image(hidden, patches):
    image = torch.rand(4, 1, 32, 32)
    mask = MaskedRestoration(hidden=hidden, patches=patches).mask(image)
    side = 32 // patches
    cells = mask.float().unfold(2, side, side).unfold(3, side, side).mean(dim=(-1, -2))
    assert set(cells.unique().tolist()) == {0.0, 1.0}
    assert cells.mean(dim=(1, 2, 3)).tolist() == [hidden] * 4
    assert len({tuple(own.flatten().tolist()) for own in cells}) == 4


def test_a_small_image_keeps_something_to_see_and_something_to_guess():
    mask = MaskedRestoration(hidden=0.99, patches=16).mask(torch.rand(2, 1, 2, 2))
    assert mask.flatten(1).sum(dim=1).tolist() == [3, 3]
    mask = MaskedRestoration(hidden=0.01, patches=2).mask(torch.rand(2, 1, 2, 2))
    assert mask.flatten(1).sum(dim=1).tolist() == [1, 1]


@pytest.mark.parametrize(("hidden", "patches"), [(0.0, 4), (1.0, 4), (0.5, 1)])
def test_nothing_or_everything_hidden_is_refused(hidden, patches):
    with pytest.raises(ValueError, match="expected a share of hidden patches between 0 and 1"):
        MaskedRestoration(hidden=hidden, patches=patches)


def test_another_shape_is_refused():
    with pytest.raises(ValueError, match="must have the shape of the image"):
        MaskedRestoration()(nn.Conv2d(1, 2, 1), {"unlabeled": torch.rand(1, 1, 8, 8)})
