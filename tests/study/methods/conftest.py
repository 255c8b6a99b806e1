"""A small network and a small batch, in double precision so that loops agree to many digits."""

from __future__ import annotations

import pytest
import torch

from gemini_monai.networks import Gemini


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Gemini(2, 1, 3, channels=(4, 8)).double()


@pytest.fixture
def batch():
    """Two labeled images, three without, and three others to register with."""
    generator = torch.Generator().manual_seed(1)
    image, other = torch.rand(2, 2, 1, 8, 10, generator=generator).double()
    return {
        "image": image,
        "label": torch.randint(3, (2, 1, 8, 10), generator=generator),
        "unlabeled": torch.cat([other, torch.rand(1, 1, 8, 10).double()]),
        "partner": torch.rand(3, 1, 8, 10, generator=generator).double(),
    }
