"""Numbers that the authors' own code makes of tensors that anyone can make again.

Each was printed by the function that is named, taken from the repository at the commit, of
``waves``; where it needs other packages only to be imported, they were stood in for.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gemini_monai.transforms import RandBezierIntensity


def waves(*shape, start=0):
    """``sin(1.7 k)`` for k from ``start``, in double precision."""
    count = int(np.prod(shape))
    return torch.sin(1.7 * torch.arange(start, start + count, dtype=torch.float64)).reshape(shape)


CURVES = [
    ([[0.2, 0.9], [0.7, 0.1]], 0.8, [0.286889532637, 0.444173977963, 0.594010895850]),
    ([[0.2, 0.9], [0.7, 0.1]], 0.2, [0.713110467363, 0.555826022037, 0.405989104150]),
    ([[0.9, 0.3], [0.05, 0.6]], 0.2, [0.952385084236, 0.863349080629, 0.097682956500]),
]


@pytest.mark.parametrize(("controls", "luck", "expected"), CURVES)
def test_intensities_are_mapped_as_by_models_genesis(controls, luck, expected):
    """``nonlinear_transformation``, pytorch/utils.py of MrGiovanni/ModelsGenesis, 12f7feb."""
    curve = RandBezierIntensity(prob=1.0, inverted=0.5, points=100_000)
    curve.R = SimpleNamespace(
        rand=lambda: 0.0, uniform=lambda size=None: np.array(controls) if size else luck
    )
    found = curve(torch.tensor([[0.1, 0.25, 0.75]], dtype=torch.float64))
    assert found[0].tolist() == pytest.approx(expected, abs=1e-12)
