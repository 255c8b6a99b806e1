"""The learning rate's course: half a cosine, and then what it came to."""

from __future__ import annotations

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

from gemini_monai.engines import CosineDecay


def _rates(make, steps):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.4)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("final", [0.0, 0.05, 1.0])
def test_it_is_pytorchs_cosine_until_the_end_and_stays_there(final):
    ours = _rates(lambda o: CosineDecay(o, steps=10, final=final), 16)
    theirs = _rates(lambda o: CosineAnnealingLR(o, 10, eta_min=0.4 * final), 11)
    assert ours[:11] == pytest.approx(theirs, abs=1e-12)
    assert ours[11:] == pytest.approx([0.4 * final] * 5, abs=1e-12)


def test_a_run_that_goes_on_keeps_the_length_it_had():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.4)
    state = CosineDecay(optimizer, steps=10, final=0.5).state_dict()
    longer = CosineDecay(optimizer, steps=99, final=0.5)
    longer.load_state_dict(state)
    assert longer.steps == 10
